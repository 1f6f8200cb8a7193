package strategies_test

import (
	"errors"
	"testing"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// FuzzMachine tells machines arbitrary things in arbitrary order, well-behaved
// or not, and then lets them end. Taken at its word, the machine must not
// panic, start a child of which an incarnation may live, use a number twice,
// start a child beside one that it needs, have more under way than Parallel, or
// do anything after its end; and it must reach its end, with every call answered
// once.
func FuzzMachine(f *testing.F) {
	const (
		one, all, rest, graph, dynamic, parallel = 0, 1, 2, 3, 4, 5
		a, b                                     = 0, 1 << 4
		anySignificant                           = 0x08
	)
	op := func(o strategies.Op, about byte) byte { return byte(o) | about }
	f.Add([]byte{one, 0}, []byte{})
	f.Add([]byte{one, 2, 0x05, 0x21}, []byte{op(strategies.OpBoot, a), 0, op(strategies.OpStarted, a), 0, op(strategies.OpStarted, b), 0, op(strategies.OpExited, a), 4, op(strategies.OpExited, b), 3})
	f.Add([]byte{all, 3, 0, 0x10, 0x08}, []byte{op(strategies.OpBoot, a), 0, op(strategies.OpStarted, a), 0, op(strategies.OpStarted, b), 0, op(strategies.OpWhich, a), 0, op(strategies.OpExited, a), 4, op(strategies.OpDeadline, b), 0, op(strategies.OpCannotKill, b), 0})
	f.Add([]byte{rest, 5 | anySignificant, 0x40, 0, 0, 0, 0}, []byte{op(strategies.OpBoot, a), 0, op(strategies.OpDeadline, a), 1, op(strategies.OpStarted, a), 0, op(strategies.OpTerminate, a), 4})
	f.Add([]byte{graph + 2*parallel, 3, 0, 0x40}, []byte{op(strategies.OpBoot, a), 0, op(strategies.OpStarted, a), 0, op(strategies.OpStarted, b), 0, op(strategies.OpExited, a), 4, op(strategies.OpStartChild, 0x20), 3, op(strategies.OpExited, b), 1, op(strategies.OpTerminateChild, a), 0, op(strategies.OpRetry, a), 0, op(strategies.OpTerminate, a), 4})
	f.Add([]byte{dynamic + 2*parallel, 3, 0x80}, []byte{op(strategies.OpBoot, a), 0, op(strategies.OpStartChild, a), 0, op(strategies.OpStartChild, b), 0, op(strategies.OpStarted, a), 0, op(strategies.OpTerminateChild, b), 0, op(strategies.OpExited, a), 4, op(strategies.OpRetry, a), 0, op(strategies.OpTerminate, a), 4, op(strategies.OpDeadline, a), 3})
	f.Fuzz(func(t *testing.T, config, script []byte) {
		w := newWitness(t, config)
		for ; len(script) >= 2 && !w.finished; script = script[2:] {
			w.step(w.input(script[0], script[1]))
		}
		w.end()
	})
}

// witness takes down what a machine was told and ordered to do.
type witness struct {
	t        *testing.T
	m        *strategies.Machine
	now      time.Time
	parallel int
	dynamic  bool
	graph    bool
	ids      []string
	kids     map[string]*sighted
	tickets  uint64
	waiting  map[uint64]bool     // calls not answered yet
	needs    map[uint64][]string // of a child that a call is to add
	drains   bool                // the children of a dynamic supervisor end all together
	finished bool
}

// sighted is what a child must be doing, if all that was told is true.
type sighted struct {
	used          map[uint64]bool
	needs         []string
	n             uint64
	live, started bool
	told          bool
	spent         bool // stuck: given up, though it may live
}

// newWitness reads a description: what kind of supervisor with which Parallel,
// the intensity and auto_shutdown, a byte a child.
func newWitness(t *testing.T, config []byte) *witness {
	at := func(i int) byte {
		if i < len(config) {
			return config[i]
		}
		return 0
	}
	w := &witness{t: t, now: time.Unix(0, 0), parallel: 1, kids: map[string]*sighted{}, waiting: map[uint64]bool{}, needs: map[uint64][]string{}}
	kind, parallel := at(0)%5, int(at(0))/5%5
	cfg := strategies.Config{
		Strategy:     strategies.Strategy(kind % 4),
		Intensity:    strategies.Intensity{Max: int(at(1)&7) - 1},
		AutoShutdown: strategies.AutoShutdown(at(1) >> 3 % 3),
		Seed:         uint64(at(1)),
	}
	w.graph, w.dynamic = kind == 3, kind == 4
	if w.graph || w.dynamic || kind == 0 {
		cfg.Parallel = parallel
		w.parallel = max(1, parallel)
	}
	w.ids = []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for i, id := range w.ids {
		k := &sighted{used: map[uint64]bool{}}
		w.kids[id] = k
		if i+2 >= len(config) {
			continue
		}
		s := w.child(id, config[i+2], cfg.AutoShutdown)
		switch {
		case w.dynamic:
			cfg.Dynamic = &s
			continue
		case w.graph:
			s.Needs = needed(w.ids[:i], config[i+2])
			k.needs = s.Needs
		}
		cfg.Children = append(cfg.Children, s)
	}
	if w.dynamic && cfg.Dynamic == nil {
		cfg.Dynamic = &strategies.ChildSpec{}
	}
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.m = m
	return w
}

// child reads a child's description.
func (w *witness) child(id string, c byte, auto strategies.AutoShutdown) strategies.ChildSpec {
	s := strategies.ChildSpec{
		ID:       id,
		Restart:  strategies.Restart(c & 3 % 3),
		Kind:     strategies.Kind(c >> 2 & 1),
		Shutdown: []strategies.ShutdownLimit{0, strategies.BrutalKill, strategies.Infinity, strategies.Timeout(0)}[c>>3&3],
	}
	switch c >> 6 {
	case 1:
		s.StartLimit = time.Second
	case 2:
		s.Backoff = strategies.Backoff{Min: time.Second, Max: time.Minute, Jitter: 0.5}
	}
	s.Significant = auto != strategies.Never && s.Restart != strategies.Permanent
	return s
}

// needed picks some of the ids.
func needed(ids []string, which byte) (needs []string) {
	for i, id := range ids {
		if which>>i&1 == 0 {
			needs = append(needs, id)
		}
	}
	return needs
}

// input reads an input: what, about whom; and how, and about which incarnation.
func (w *witness) input(what, how byte) strategies.Input {
	w.now = w.now.Add(time.Duration(how>>4) * 100 * time.Millisecond)
	in := strategies.Input{
		Op:    strategies.Op(what & 15),
		ID:    w.ids[what>>4&7],
		Timer: strategies.Timer(how & 3),
		Exit:  strategies.Exit{Class: strategies.Class(how & 7), Directive: strategies.Directive(how >> 3 & 3)},
	}
	in.Incarnation = w.kids[in.ID].n
	if how>>5 == 7 {
		in.Incarnation-- // or what there never was
	}
	if how>>5 == 6 {
		in.Exit.Directive = strategies.ByRestart
		in.Cascade = strategies.Cascade{Origin: in.ID, N: in.Incarnation}
	}
	switch in.Op {
	case strategies.OpStartChild:
		w.tickets++
		return w.startChild(in.ID, how)
	case strategies.OpWhich, strategies.OpCount, strategies.OpSpec,
		strategies.OpTerminateChild, strategies.OpRestartChild, strategies.OpDeleteChild, strategies.OpRenewChild:
		w.tickets++
		in.Ticket = w.tickets
		in.Instance = w.dynamic != (how>>5 == 5)
		if !in.Instance {
			in.Incarnation = 0
		}
	}
	return in
}

// startChild reads a child to be added. Its numbers are new.
func (w *witness) startChild(id string, how byte) strategies.Input {
	first := 1000 * w.tickets
	if w.dynamic {
		return strategies.StartInstance(w.tickets, id, first, w.tickets)
	}
	s := w.child(id, how, strategies.Never)
	s.Incarnation, s.Tag = first, w.tickets
	if w.graph {
		s.Needs = needed(w.ids, how|how<<4)
		w.needs[w.tickets] = s.Needs
	}
	return strategies.StartChild(w.tickets, s)
}

func (w *witness) step(in strategies.Input) {
	w.t.Helper()
	if in.Ticket > 0 {
		w.waiting[in.Ticket] = true
	}
	if k := w.kids[in.ID]; in.Ticket == 0 && k != nil && k.live && in.Incarnation == k.n {
		switch in.Op {
		case strategies.OpStarted:
			k.started = true
		case strategies.OpIgnored, strategies.OpStartFailed:
			k.live = k.started
		case strategies.OpExited:
			k.live = false
		}
	}
	for _, a := range w.m.Step(w.now, in) {
		w.action(a)
	}
	if busy := w.busy(); busy > w.parallel && !w.drains {
		w.t.Fatalf("after %+v: %d starts and stops under way, %d allowed", in, busy, w.parallel)
	}
}

func (w *witness) busy() (n int) {
	for _, k := range w.kids {
		if k.live && (!k.started || k.told) {
			n++
		}
	}
	return n
}

func (w *witness) action(a strategies.Action) {
	w.t.Helper()
	if w.finished && a.Do != strategies.DoReply {
		w.t.Fatalf("%v after the end", a.Do)
	}
	k := w.kids[a.ID]
	switch a.Do {
	case strategies.DoStart:
		w.start(k, a)
	case strategies.DoStop, strategies.DoKill:
		if !k.live || a.Incarnation != k.n {
			w.t.Fatalf("%v of %s#%d, and #%d: live %v", a.Do, a.ID, a.Incarnation, k.n, k.live)
		}
		k.told = true
		w.drains = w.drains || w.dynamic && w.busy() > w.parallel
	case strategies.DoReport:
		if a.Report == strategies.Stuck {
			k.live, k.spent = false, true
		}
	case strategies.DoReply:
		if !w.waiting[a.Reply.Ticket] {
			w.t.Fatalf("call %d answered, and it was not asked, or answered before", a.Reply.Ticket)
		}
		delete(w.waiting, a.Reply.Ticket)
		if w.finished && !errors.Is(a.Reply.Err, strategies.ErrDown) {
			w.t.Fatalf("call %d answered after the end: %v", a.Reply.Ticket, a.Reply.Err)
		}
	case strategies.DoFinish:
		w.finished = true
		for id, k := range w.kids {
			if k.live {
				w.t.Fatalf("the end, and %s lives", id)
			}
		}
		if len(w.waiting) > 0 {
			w.t.Fatalf("the end, and calls wait: %v", w.waiting)
		}
	}
}

func (w *witness) start(k *sighted, a strategies.Action) {
	w.t.Helper()
	if k.live || k.spent || k.used[a.Incarnation] {
		w.t.Fatalf("start of %s#%d, and #%d: live %v, stuck %v", a.ID, a.Incarnation, k.n, k.live, k.spent)
	}
	if w.drains {
		w.t.Fatalf("start of %s#%d at the end", a.ID, a.Incarnation)
	}
	if ticket, ok := a.Tag.(uint64); ok {
		k.needs = w.needs[ticket]
	}
	for _, id := range k.needs {
		if n := w.kids[id]; n.live && !n.started {
			w.t.Fatalf("start of %s#%d beside that of %s, which it needs", a.ID, a.Incarnation, id)
		}
	}
	k.used[a.Incarnation] = true
	*k = sighted{n: a.Incarnation, live: true, used: k.used, needs: k.needs}
}

// end terminates the machine and answers as one should.
func (w *witness) end() {
	if !w.finished {
		w.step(strategies.Terminate(strategies.Exit{Class: strategies.Shutdown}))
	}
	if len(w.waiting) > 0 {
		w.t.Fatalf("terminated, and calls wait: %v", w.waiting)
	}
	for range w.ids {
		for _, id := range w.ids {
			if k := w.kids[id]; !w.finished && k.live && k.told {
				w.step(strategies.Exited(id, k.n, strategies.Exit{Class: strategies.Shutdown}, strategies.Cascade{}))
			}
		}
	}
	if !w.finished {
		w.t.Fatal("terminated, all that was told to stop has, and no end")
	}
	w.step(strategies.Boot(strategies.Cascade{}))
	w.step(strategies.Terminate(strategies.Exit{}))
	w.step(w.input(byte(strategies.OpCount), 0))
	w.step(w.input(byte(strategies.OpStartChild), 0))
	for _, id := range w.ids {
		w.step(strategies.Exited(id, w.kids[id].n, strategies.Exit{}, strategies.Cascade{}))
	}
	if len(w.waiting) > 0 {
		w.t.Fatal("a call after the end is not answered")
	}
}
