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
// have more under way than Parallel, or do anything after its end; and it must
// reach its end, with every call answered once.
func FuzzMachine(f *testing.F) {
	const (
		one, all, rest = 0, 1, 2
		a, b           = 0, 1 << 4
	)
	f.Add([]byte{one, 0}, []byte{})
	f.Add([]byte{one, 2, 0x05, 0x21}, []byte{byte(strategies.OpBoot), 0, byte(strategies.OpStarted) | a, 0, byte(strategies.OpStarted) | b, 0, byte(strategies.OpExited) | a, 4, byte(strategies.OpExited) | b, 3})
	f.Add([]byte{all, 3, 0, 0x10, 0x08}, []byte{byte(strategies.OpBoot), 0, byte(strategies.OpStarted) | a, 0, byte(strategies.OpStarted) | b, 0, byte(strategies.OpWhich), 0, byte(strategies.OpExited) | a, 4, byte(strategies.OpDeadline) | b, 0, byte(strategies.OpCannotKill) | b, 0})
	f.Add([]byte{rest, 5, 0x40, 0, 0, 0, 0}, []byte{byte(strategies.OpBoot), 0, byte(strategies.OpDeadline) | a, 1, byte(strategies.OpStarted) | a, 0, byte(strategies.OpTerminate), 4})
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
	ids      []string
	kids     map[string]*sighted
	tickets  uint64
	waiting  map[uint64]bool // calls not answered yet
	finished bool
}

// sighted is what a child must be doing, if all that was told is true.
type sighted struct {
	n             uint64
	live, started bool
	told          bool
	spent         bool // stuck: given up, though it may live
}

// newWitness reads a description: the strategy and Parallel, the intensity, a
// byte a child.
func newWitness(t *testing.T, config []byte) *witness {
	at := func(i int) byte {
		if i < len(config) {
			return config[i]
		}
		return 0
	}
	w := &witness{t: t, now: time.Unix(0, 0), parallel: 1, kids: map[string]*sighted{}, waiting: map[uint64]bool{}}
	cfg := strategies.Config{Strategy: strategies.Strategy(at(0) % 3), Intensity: strategies.Intensity{Max: int(at(1))%8 - 1}}
	if cfg.Strategy == strategies.OneForOne {
		cfg.Parallel = int(at(0)) / 3 % 5
		w.parallel = max(1, cfg.Parallel)
	}
	for i := 2; i < min(len(config), 10); i++ {
		c := config[i]
		s := strategies.ChildSpec{
			ID:       string(rune('a' + i - 2)),
			Restart:  strategies.Restart(c & 3 % 3),
			Kind:     strategies.Kind(c >> 2 & 1),
			Shutdown: []strategies.ShutdownLimit{0, strategies.BrutalKill, strategies.Infinity, strategies.Timeout(0)}[c>>3&3],
		}
		if c>>6 == 1 {
			s.StartLimit = time.Second
		}
		cfg.Children = append(cfg.Children, s)
		w.ids = append(w.ids, s.ID)
		w.kids[s.ID] = &sighted{}
	}
	m, err := strategies.NewMachine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.m = m
	return w
}

// input reads an input: what, about whom; and how, and about which incarnation.
func (w *witness) input(what, how byte) strategies.Input {
	w.now = w.now.Add(time.Duration(how>>4) * 100 * time.Millisecond)
	in := strategies.Input{
		Op:    strategies.Op(what & 15),
		ID:    "nobody",
		Timer: strategies.Timer(how & 3),
		Exit:  strategies.Exit{Class: strategies.Class(how & 7), Directive: strategies.Directive(how >> 3 & 3)},
	}
	if i := int(what >> 4); i < len(w.ids) {
		in.ID = w.ids[i]
		in.Incarnation = w.kids[in.ID].n
	}
	if how>>5 == 7 {
		in.Incarnation-- // or what there never was
	}
	if how>>5 == 6 {
		in.Exit.Directive = strategies.ByRestart
		in.Cascade = strategies.Cascade{Origin: in.ID, N: in.Incarnation}
	}
	switch in.Op {
	case strategies.OpWhich, strategies.OpCount, strategies.OpSpec:
		w.tickets++
		in.Ticket = w.tickets
	}
	return in
}

func (w *witness) step(in strategies.Input) {
	w.t.Helper()
	if in.Ticket > 0 {
		w.waiting[in.Ticket] = true
	}
	if k := w.kids[in.ID]; k != nil && k.live && in.Incarnation == k.n {
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
	busy := 0
	for _, k := range w.kids {
		if k.live && (!k.started || k.told) {
			busy++
		}
	}
	if busy > w.parallel {
		w.t.Fatalf("after %+v: %d starts and stops under way, %d allowed", in, busy, w.parallel)
	}
}

func (w *witness) action(a strategies.Action) {
	w.t.Helper()
	if w.finished && a.Do != strategies.DoReply {
		w.t.Fatalf("%v after the end", a.Do)
	}
	k := w.kids[a.ID]
	switch a.Do {
	case strategies.DoStart:
		if k.live || k.spent || a.Incarnation != k.n+1 {
			w.t.Fatalf("start of %s#%d, and #%d: live %v, stuck %v", a.ID, a.Incarnation, k.n, k.live, k.spent)
		}
		*k = sighted{n: a.Incarnation, live: true}
	case strategies.DoStop, strategies.DoKill:
		if !k.live || a.Incarnation != k.n {
			w.t.Fatalf("%v of %s#%d, and #%d: live %v", a.Do, a.ID, a.Incarnation, k.n, k.live)
		}
		k.told = true
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

// end terminates the machine and answers as one should.
func (w *witness) end() {
	if !w.finished {
		w.step(strategies.Terminate(strategies.Exit{Class: strategies.Shutdown}))
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
	for _, id := range w.ids {
		w.step(strategies.Exited(id, w.kids[id].n, strategies.Exit{}, strategies.Cascade{}))
	}
	if len(w.waiting) > 0 {
		w.t.Fatal("a call after the end is not answered")
	}
}
