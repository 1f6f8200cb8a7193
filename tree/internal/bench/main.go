// Bench measures what a crash of a goroutine child costs, side by side with
// suture: the time from the crash until the child runs again. Both supervise
// the same N children, victims are chosen uniformly at random, and the peers
// take turns within one run, so that the ratio is worth more than the times.
//
//	go run ./tree/internal/bench [-n 10,100000] [-alone 1000000] [-crashes 20000] [-rounds 3]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

var (
	sizes   = flag.String("n", "10,100000", "numbers of children, for both peers")
	alone   = flag.String("alone", "1000000", "numbers of children, for coppice alone")
	crashes = flag.Int("crashes", 20_000, "crashes in a round")
	rounds  = flag.Int("rounds", 3, "rounds of each peer")
)

var errCrash = errors.New("crash")

// body is what every child runs: it says that it is up, and then does as told.
func body(ctx context.Context, order <-chan bool, up chan<- struct{}) error {
	up <- struct{}{}
	select {
	case byPanic := <-order:
		if byPanic {
			panic(errCrash)
		}
		return errCrash
	case <-ctx.Done():
		return ctx.Err()
	}
}

// peer starts n children and returns the function that stops them.
type peer struct {
	name  string
	start func(orders []chan bool, up chan struct{}) func()
}

func coppice(orders []chan bool, up chan struct{}) func() {
	spec := tree.Spec{Intensity: strategies.Intensity{Max: math.MaxInt, Within: time.Millisecond}}
	for i, order := range orders {
		spec.Children = append(spec.Children, tree.Child{
			ID:    strconv.Itoa(i),
			Start: tree.Func(func(ctx context.Context) error { return body(ctx, order, up) }),
		})
	}
	root, err := tree.New("root", spec)
	if err != nil {
		panic(err)
	}
	return background(root.Serve)
}

type service struct {
	order chan bool
	up    chan struct{}
}

func (s service) Serve(ctx context.Context) error { return body(ctx, s.order, s.up) }

func sutured(orders []chan bool, up chan struct{}) func() {
	root := suture.New("root", suture.Spec{
		FailureThreshold: math.MaxFloat64,
		Timeout:          time.Minute,
		EventHook:        func(suture.Event) {},
	})
	for _, order := range orders {
		root.Add(service{order, up})
	}
	return background(root.Serve)
}

func background(serve func(context.Context) error) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		_ = serve(ctx)
		close(done)
	}()
	return func() { cancel(); <-done }
}

type result struct{ median, p99, allocs, bytes float64 }

// measure crashes random children one after the other.
func measure(p peer, n int, byPanic bool) result {
	orders := make([]chan bool, n)
	for i := range orders {
		orders[i] = make(chan bool)
	}
	up := make(chan struct{}, 1)
	stop := p.start(orders, up)
	for range orders {
		<-up
	}
	runtime.GC()
	times := make([]float64, *crashes)
	random := rand.New(rand.NewPCG(4711, uint64(n)))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range times {
		victim := orders[random.IntN(n)]
		begin := time.Now()
		victim <- byPanic
		<-up
		times[i] = float64(time.Since(begin)) / float64(time.Microsecond)
	}
	runtime.ReadMemStats(&after)
	stop()
	slices.Sort(times)
	return result{
		median: times[len(times)/2],
		p99:    times[len(times)*99/100],
		allocs: float64(after.Mallocs-before.Mallocs) / float64(len(times)),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(len(times)),
	}
}

// typical takes the median of each figure over the rounds.
func typical(rs []result) result {
	mid := func(f func(result) float64) float64 {
		v := make([]float64, len(rs))
		for i, r := range rs {
			v[i] = f(r)
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return result{
		mid(func(r result) float64 { return r.median }), mid(func(r result) float64 { return r.p99 }),
		mid(func(r result) float64 { return r.allocs }), mid(func(r result) float64 { return r.bytes }),
	}
}

func numbers(list string) []int {
	var ns []int
	for s := range strings.SplitSeq(list, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%q is not a number of children: %v\n", s, err)
			os.Exit(2)
		}
		ns = append(ns, n)
	}
	return ns
}

func main() {
	flag.Parse()
	fmt.Printf("crash to running again, one child of N, median of %d rounds of %d crashes (%s, %d CPUs)\n\n", *rounds, *crashes, runtime.Version(), runtime.NumCPU())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "N\tby\tpeer\tmedian µs\tp99 µs\tallocs\tbytes\tratio of medians\t")
	peers := []peer{{"suture", sutured}, {"coppice", coppice}}
	for _, n := range numbers(*sizes) {
		compare(w, n, peers)
	}
	for _, n := range numbers(*alone) {
		compare(w, n, peers[1:])
	}
	w.Flush()
}

func compare(w *tabwriter.Writer, n int, peers []peer) {
	for _, byPanic := range []bool{false, true} {
		all := make([][]result, len(peers))
		for range *rounds {
			for i, p := range peers {
				all[i] = append(all[i], measure(p, n, byPanic))
			}
		}
		by := "error"
		if byPanic {
			by = "panic"
		}
		first := typical(all[0])
		for i, p := range peers {
			r := typical(all[i])
			ratio := "-"
			if len(peers) > 1 {
				ratio = fmt.Sprintf("%.2f", r.median/first.median)
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%.2f\t%.1f\t%.1f\t%.0f\t%s\t\n", n, by, p.name, r.median, r.p99, r.allocs, r.bytes, ratio)
		}
	}
}
