// Soak kills processes of one tree for as long as it is told to, in rounds that
// are checked each, and shows that nothing grows meanwhile: memory, descriptors,
// threads, goroutines.
//
//	go run ./tree/chaos/internal/soak -for 10m
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/worker"
)

func main() {
	lasts := flag.Duration("for", 10*time.Minute, "how long")
	round := flag.Duration("round", 30*time.Second, "how long a round takes, after which all is checked")
	rate := flag.Float64("rate", 50, "faults a second")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the first round; each has the next")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := soak(ctx, *lasts, *round, *rate, *seed)
	worker.CloseIdle()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// holding is what this process holds, after the garbage was collected.
type holding struct {
	rss, heap                int64 // bytes
	fds, threads, goroutines int
}

// limits are how much more may be held at the end than after the first round.
var limits = holding{rss: 16 << 20, heap: 2 << 20, fds: 4, threads: 8, goroutines: 4}

func soak(ctx context.Context, lasts, round time.Duration, rate float64, seed uint64) error {
	root, err := tree.New("soak", spec())
	if err != nil {
		return err
	}
	serving, end := context.WithCancel(context.Background())
	defer end()
	served := make(chan error, 1)
	if err := root.Init(serving); err != nil {
		return err
	}
	go func() { served <- root.Serve(serving) }()

	fmt.Println("round        seed  faults  exits   checked     rss MiB  heap MiB   fds  threads  goroutines")
	var first, last holding
	exits := 0
	begin := time.Now()
	for n := 1; n <= 2 || time.Since(begin) < lasts; n++ {
		j, err := chaos.Run(ctx, chaos.Local(root), plan(round, rate, seed), chaos.Options{Live: -1})
		if err != nil {
			return err
		}
		exits += j.Stats.Exits
		if last, err = hold(); err != nil {
			return err
		}
		if n == 1 {
			first = last // what is needed was made in it
		}
		fmt.Printf("%5d  %10d  %6d %6d  %9v  %9.1f %9.1f %5d %8d %11d\n", n, seed%1e10, len(j.Evidence.Faults), exits, verdict(j),
			float64(last.rss)/(1<<20), float64(last.heap)/(1<<20), last.fds, last.threads, last.goroutines)
		if err := errors.Join(j.Invariants.Err(), ctx.Err()); err != nil {
			return fmt.Errorf("round %d, seed %d: %w", n, seed, err)
		}
		seed++
	}
	end()
	if err := <-served; !errors.Is(err, context.Canceled) {
		return fmt.Errorf("the tree ended with %w", err)
	}
	fmt.Printf("%d exits in %v, %.0f a second\n", exits, time.Since(begin).Round(time.Second), float64(exits)/time.Since(begin).Seconds())
	return last.grown(first)
}

func verdict(j *chaos.Journal) string {
	if j.Deviated {
		return "VIOLATED"
	}
	return "holds"
}

// plan is a storm for a round.
func plan(round time.Duration, rate float64, seed uint64) *chaos.Plan {
	return &chaos.Plan{
		Title: "soak", Seed: seed,
		Method: []chaos.Step{chaos.Storm{Over: round, Rate: rate, Fault: chaos.One("kill"), Target: chaos.Target{Path: "soak/**"}}},
	}
}

// grown says what has grown beyond the limits.
func (h holding) grown(since holding) error {
	var errs []error
	for _, x := range []struct {
		what           string
		now, was, most int64
	}{
		{"resident memory", h.rss, since.rss, limits.rss},
		{"heap", h.heap, since.heap, limits.heap},
		{"descriptors", int64(h.fds), int64(since.fds), int64(limits.fds)},
		{"threads", int64(h.threads), int64(since.threads), int64(limits.threads)},
		{"goroutines", int64(h.goroutines), int64(since.goroutines), int64(limits.goroutines)},
	} {
		if x.now > x.was+x.most {
			errs = append(errs, fmt.Errorf("%s: %d after the first round, %d at the end", x.what, x.was, x.now))
		}
	}
	return errors.Join(errs...)
}

func hold() (h holding, err error) {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.heap, h.goroutines = int64(m.HeapAlloc), runtime.NumGoroutine()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return h, err
	}
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &h.rss); err == nil {
			h.rss <<= 10
		}
	}
	for dir, n := range map[string]*int{"/proc/self/fd": &h.fds, "/proc/self/task": &h.threads} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return h, err
		}
		*n = len(entries)
	}
	return h, nil
}
