package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
)

// View shows a scene to somebody. Its methods are called one at a time, in the
// order of things.
type View interface {
	Begin(s Scene, b *Board)
	Say(text string)              // what is about to be done, or what was seen
	Event(e tree.Event, b *Board) // b has seen e
	Result(r Result)              // the scene is over
	Close()                       // nothing follows
}

// Result is how a scene went.
type Result struct {
	Scene  string   `json:"scene"`
	OK     bool     `json:"as_told"`
	Wrong  string   `json:"wrong,omitempty"` // what was not as told
	Cut    bool     `json:"interrupted"`     // it was told to stop half-way
	Status int      `json:"run_status"`      // the exit status of a program that runs this tree
	Chain  []string `json:"chain,omitempty"` // causes, from the root down
	Totals *Totals  `json:"totals,omitempty"`
	Pids   []int    `json:"pids"` // of every process there was
	Left   int      `json:"left"` // of them alive now
}

// Play plays a scene and returns an error if it did not go as told. When ctx
// ends, so does the scene, in order; then the error is ctx's.
func Play(ctx context.Context, s Scene, v View, seed uint64) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("demo: find this program's own file, to run it as the children: %w", err)
	}
	p := &player{scene: s, view: v, news: make(chan struct{}, 1)}
	spec := s.Tree(leaves{program})
	spec.Sink = p.sink
	root, err := tree.New(s.Root, spec)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	p.root, p.board = root, newBoard(root)
	v.Begin(s, p.board)

	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- root.Serve(serving) }()

	wrong := p.perform(ctx, seed)
	if wrong == nil && !s.Ends {
		v.Say("That was all. The tree is stopped, last started first.")
	}
	stop()
	served := <-ended
	p.see() // the sink had everything before Serve returned
	return p.conclude(wrong, served)
}

// player is a scene being played.
type player struct {
	scene  Scene
	root   *tree.Supervisor
	view   View
	board  *Board
	pids   []int
	totals *Totals

	mu     sync.Mutex   // guards events
	events []tree.Event // seen by the tree, not yet by the viewer
	news   chan struct{}
}

func (p *player) sink(e tree.Event) {
	p.mu.Lock()
	p.events = append(p.events, e)
	p.mu.Unlock()
	p.wake()
}

// wake has until look again.
func (p *player) wake() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// see shows the viewer what has happened since, and returns it.
func (p *player) see() []tree.Event {
	p.mu.Lock()
	events := p.events
	p.events = nil
	p.mu.Unlock()
	for _, e := range events {
		p.board.see(e)
		if e.PID != 0 && e.Kind == tree.EventProgress {
			p.pids = append(p.pids, e.PID)
		}
		if p.totals != nil {
			p.totals.see(e, p.board)
		}
		p.view.Event(e, p.board)
	}
	return events
}

// until shows what happens until enough is true, and returns it.
func (p *player) until(ctx context.Context, what string, enough func() bool) ([]tree.Event, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	var all []tree.Event
	for {
		all = append(all, p.see()...)
		if enough() {
			return all, nil
		}
		select {
		case <-p.news:
		case <-timeout.C:
			return all, fmt.Errorf("%s did not happen within %v", what, patience)
		case <-ctx.Done():
			return all, ctx.Err()
		}
	}
}

func (p *player) perform(ctx context.Context, seed uint64) error {
	if _, err := p.until(ctx, "the start of the whole tree", p.board.ready); err != nil {
		return err
	}
	if p.scene.Storm != nil {
		return p.storm(ctx, seed)
	}
	for i, step := range p.scene.Steps {
		if err := p.step(ctx, step, p.scene.Ends && i == len(p.scene.Steps)-1); err != nil {
			return fmt.Errorf("step %d, %s %s: %w", i+1, step.Fault, step.Victim, err)
		}
	}
	return nil
}

// step crashes a child and holds what follows against what must.
func (p *player) step(ctx context.Context, s Step, last bool) error {
	before := p.board.pids()
	p.view.Say(fmt.Sprintf("%s %s, pid %d", s.Fault.verb(), s.Victim, before[s.Victim]))
	if err := s.Fault.strike(before[s.Victim]); err != nil {
		return err
	}
	root := p.board.Cells[0]
	left, died := 0, false
	var stopped, started, gaveUp []string
	up := 0
	note := func(events []tree.Event) {
		for _, e := range events {
			leaf := !e.Supervisor
			switch {
			case e.Kind == tree.EventStopping && leaf:
				stopped = append(stopped, e.Path)
			case e.Kind == tree.EventStarting && leaf:
				started = append(started, e.Path)
			case e.Kind == tree.EventProgress && leaf:
				up++
			case e.Kind == tree.EventRestarting:
				left = e.Max - e.Spent
			case e.Kind == tree.EventGivingUp:
				gaveUp = append(gaveUp, parent(e.Path))
			case e.Kind == tree.EventExited && e.Path == s.Victim && !died:
				died = s.Fault.explains(e.Exit.Err)
			}
		}
	}
	what := fmt.Sprintf("the restart of %d processes", len(s.Started))
	enough := func() bool { return len(s.Started) > 0 && p.started(s.Started, before) && p.board.ready() }
	if last {
		what = "the end of the root"
		enough = func() bool { return root.State == strategies.Down }
	}
	events, err := p.until(ctx, what, enough)
	note(events)
	if err != nil {
		return err
	}
	after := p.board.pids()
	switch {
	case !died:
		return fmt.Errorf("%s did not die by it", s.Victim)
	case !slices.Equal(stopped, s.Stopped):
		return fmt.Errorf("stopped were %s; told was %s", list(stopped), list(s.Stopped))
	case !slices.Equal(started, s.Started):
		return fmt.Errorf("started were %s; told was %s", list(started), list(s.Started))
	case !slices.Equal(gaveUp, s.GaveUp):
		return fmt.Errorf("gave up: %s; told was %s", list(gaveUp), list(s.GaveUp))
	case !last && left != s.Left:
		return fmt.Errorf("%d restarts are left; told was %d", left, s.Left)
	case !last && up != len(s.Started):
		return fmt.Errorf("%d processes came up; told was %d", up, len(s.Started))
	}
	for path, pid := range before {
		if !last && !slices.Contains(s.Started, path) && after[path] != pid {
			return fmt.Errorf("%s was to be left alone, but pid %d is now %d", path, pid, after[path])
		}
	}
	p.view.Say(s.Says)
	return nil
}

// started reports whether all of these leaves have another process than before.
func (p *player) started(paths []string, before map[string]int) bool {
	for _, path := range paths {
		if pid := p.board.cells[path].PID; pid == 0 || pid == before[path] {
			return false
		}
	}
	return true
}

// conclude tells how it went, and makes sure that nothing is left.
func (p *player) conclude(wrong, served error) error {
	r := Result{Scene: p.scene.Name, Status: exit.Status(served), Pids: p.pids, Totals: p.totals}
	for _, pid := range p.pids {
		if alive(pid) {
			r.Left++
		}
	}
	want := exit.Clean
	if p.scene.Ends {
		want = exit.Exhausted
		r.Chain = chain(served)
	}
	switch {
	case wrong != nil:
	case r.Status != want:
		wrong = fmt.Errorf("the tree ended with %v: status %d; told was %d", served, r.Status, want)
	case r.Left > 0:
		wrong = fmt.Errorf("%d processes are left", r.Left)
	}
	r.OK, r.Cut = wrong == nil, errors.Is(wrong, context.Canceled)
	if wrong != nil {
		r.Wrong = wrong.Error()
		wrong = fmt.Errorf("demo %s: not as told: %w", p.scene.Name, wrong)
	}
	p.view.Result(r)
	return wrong
}

// chain tells why the root gave up: a line for each level, from the root down
// to the process that began it.
func chain(err error) []string {
	var lines []string
	for {
		e, ok := errors.AsType[*tree.ExhaustedError](err)
		if !ok {
			break
		}
		lines = append(lines, fmt.Sprintf("%s gave up: restart %d of %s, where %d are allowed",
			e.Path, e.Restarts, e.Child, e.Intensity.Max))
		err = e.Cause
	}
	if e, ok := errors.AsType[*worker.ExitError](err); ok {
		return append(lines, fmt.Sprintf("pid %d: %s", e.PID, death(e)))
	}
	return append(lines, fmt.Sprint(err))
}

func list(paths []string) string {
	if len(paths) == 0 {
		return "nobody"
	}
	return strings.Join(paths, ", ")
}
