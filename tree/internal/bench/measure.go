package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

var errCrash = errors.New("crash")

// victims are children that say when they are up, and crash when told to.
type victims struct {
	orders []chan bool // true: by panic
	up     chan struct{}
}

func newVictims(n int) *victims {
	v := &victims{make([]chan bool, n), make(chan struct{}, 1)}
	for i := range v.orders {
		v.orders[i] = make(chan bool)
	}
	return v
}

func (v *victims) child(i int) body {
	order := v.orders[i]
	return func(ctx context.Context) error {
		v.up <- struct{}{}
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
}

func (v *victims) awaitUp(n int) {
	for range n {
		<-v.up
	}
}

// crash tells random children to crash, one after the other, and returns the
// times until all of the n that go down with one were up again, in order.
func (v *victims) crash(times int, byPanic bool, n int) []time.Duration {
	took := make([]time.Duration, times)
	random := rand.New(rand.NewPCG(4711, uint64(n)))
	for i := range took {
		order := v.orders[random.IntN(len(v.orders))]
		begin := time.Now()
		order <- byPanic
		v.awaitUp(n)
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return took
}

// restarts: one of N crashes and is started again.
func restarts(m measurement) results {
	v := newVictims(m.N)
	stop := listed(m.Peer, m.N, strategies.OneForOne, v.child)
	v.awaitUp(m.N)
	r := results{}
	for _, by := range m.Labels {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		took := v.crash(m.Crashes, by == "panic", 1)
		runtime.ReadMemStats(&after)
		r[by] = map[string]float64{
			"median": in(time.Microsecond, took[len(took)/2]),
			"p99":    in(time.Microsecond, took[len(took)*99/100]),
			"allocs": float64(after.Mallocs-before.Mallocs) / float64(m.Crashes),
			"bytes":  float64(after.TotalAlloc-before.TotalAlloc) / float64(m.Crashes),
		}
	}
	stop()
	return r
}

// oneForAll: one of N crashes and all are started again.
func oneForAll(m measurement) results {
	v := newVictims(m.N)
	v.up = make(chan struct{}, m.N) // the children need not wait for the count
	stop := listed(m.Peer, m.N, strategies.OneForAll, v.child)
	v.awaitUp(m.N)
	took := v.crash(groupCrashes, false, m.N)
	stop()
	return results{m.Labels[0]: {
		"median": in(time.Millisecond, took[len(took)/2]),
		"p99":    in(time.Millisecond, took[len(took)*99/100]),
	}}
}

// groupCrashes is how often one for all is put to the test in a round.
const groupCrashes = 100

// idlers are children that wait for their end.
type idlers struct {
	up    atomic.Int64
	n     int64
	allUp chan struct{}
}

func newIdlers(n int) *idlers { return &idlers{n: int64(n), allUp: make(chan struct{})} }

func (l *idlers) run(ctx context.Context) error {
	if l.up.Add(1) == l.n {
		close(l.allUp)
	}
	<-ctx.Done()
	return ctx.Err()
}

func (l *idlers) child(int) body { return l.run }

// startAndStop: N children are started, and stopped again.
func startAndStop(m measurement) results {
	own := runtime.NumGoroutine()
	l := newIdlers(m.N)
	begin, used := time.Now(), cpu()
	var stop func()
	if m.Labels[0] == "listed" {
		stop = listed(m.Peer, m.N, strategies.OneForOne, l.child)
	} else {
		stop = dynamic(m.Peer, m.N, l.child)
	}
	<-l.allUp
	started, startCPU := time.Since(begin), cpu()-used
	runtime.GC()
	begin, used = time.Now(), cpu()
	stop()
	stopped, stopCPU := time.Since(begin), cpu()-used
	for runtime.NumGoroutine() > own {
		time.Sleep(100 * time.Microsecond)
	}
	return results{m.Labels[0]: {
		"start":    in(time.Millisecond, started),
		"startCPU": in(time.Millisecond, startCPU),
		"stop":     in(time.Millisecond, stopped),
		"stopCPU":  in(time.Millisecond, stopCPU),
		"gone":     in(time.Millisecond, time.Since(begin)),
	}}
}

// memory: what N children take that do nothing.
func memory(m measurement) results {
	l := newIdlers(m.N)
	before, rssBefore := inUse()
	stop := dynamic(m.Peer, m.N, l.child)
	<-l.allUp
	time.Sleep(200 * time.Millisecond) // the last of them come to wait
	after, rssAfter := inUse()
	stop()
	n := float64(m.N)
	heap := (float64(after.HeapInuse) - float64(before.HeapInuse)) / n
	stack := (float64(after.StackInuse) - float64(before.StackInuse)) / n
	return results{m.Labels[0]: {"bytes": heap + stack, "heap": heap, "stack": stack, "rss": (rssAfter - rssBefore) / n}}
}

func inUse() (runtime.MemStats, float64) {
	var s runtime.MemStats
	runtime.GC()
	debug.FreeOSMemory()
	runtime.ReadMemStats(&s)
	return s, rss()
}

// rss is the resident memory of this process; 0 where there is no such file.
func rss() float64 {
	statm, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return float64(pages * os.Getpagesize())
}

// many: what N dynamic children take, where N is large.
func many(m measurement) results {
	v := newVictims(m.N)
	go v.awaitUp(m.N - 1)
	begin := time.Now()
	stop := dynamic(m.Peer, m.N, v.child)
	v.awaitUp(1)
	started, size := time.Since(begin), rss()
	runtime.GC()
	took := v.crash(manyCrashes, false, 1)
	begin = time.Now()
	stop()
	stopped := time.Since(begin)
	return results{m.Labels[0]: {
		"start":   in(time.Millisecond, started),
		"restart": in(time.Microsecond, took[len(took)/2]),
		"p99":     in(time.Microsecond, took[len(took)*99/100]),
		"stop":    in(time.Millisecond, stopped),
		"rss":     size / 1e6,
	}}
}

// manyCrashes is how many of many children crash in a round.
const manyCrashes = 1000

func in(unit, d time.Duration) float64 { return float64(d) / float64(unit) }
