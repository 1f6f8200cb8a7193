package tree

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/strategies"
)

// What leaves and what is restarted stops in one go, in reverse order: who depends on
// what leaves does not live to see it go.
func TestReconfigureStopsInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		gone := make(chan struct{})
		db := Child{ID: "db", Start: Func(func(ctx context.Context) error { <-ctx.Done(); close(gone); time.Sleep(time.Second); return nil })}
		app := Child{ID: "app", Start: Func(func(ctx context.Context) error {
			select {
			case <-gone:
				return errBoom
			case <-ctx.Done():
				return nil
			}
		})}
		spec := func(children ...Child) Spec {
			return Spec{Strategy: strategies.RestForOne, Intensity: strategies.Intensity{Max: NoRestarts}, Children: children}
		}
		s := on(t, spec(quiet("a"), db, app, quiet("z")))
		s.seen()
		done, err := s.reconfigure(spec(quiet("a"), quiet("app")), "t/app")
		if err != nil {
			t.Error(err)
		}
		s.want(done, "t/z removed", "t/db removed", "t/app renewed")
		s.want(s.seen(EventStopping, EventChildTerminated, EventProgress), "stopping t/z", "stopping t/app", "stopping t/db", "progress t/app")
		_ = s.stop()
	})
}

// What moves from below to above, or the other way, has left before it comes.
func TestReconfigureMoves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		port := make(chan struct{}, 1)
		moving := Child{ID: "x", Start: Of(func() (*phases, error) {
			return &phases{
				init: func(context.Context) error {
					select {
					case port <- struct{}{}:
						return nil
					default:
						return errBoom // it is taken
					}
				},
				serve: func(ctx context.Context) error {
					<-ctx.Done()
					<-port
					return nil
				},
			}, nil
		})}
		spec := func(above, below []Child) Spec {
			return Spec{Intensity: strategies.Intensity{Max: NoRestarts}, Children: append(above, Child{ID: "s", Start: Sub(Spec{Children: below})})}
		}
		s := on(t, spec(nil, []Child{quiet("a"), moving}))
		for _, next := range []Spec{spec([]Child{moving}, []Child{quiet("a")}), spec(nil, []Child{quiet("a"), moving})} {
			if done, err := s.reconfigure(next); err != nil || len(done) != 2 {
				t.Errorf("%v, %v", done, err)
			}
		}
		if got := s.state("t/s/x"); got != "up#2" {
			t.Errorf("it is %s", got)
		}
		_ = s.stop()
	})
}

// While the tree ends nothing is done any more.
func TestReconfigureDuringTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		hold := make(chan struct{})
		last := Child{ID: "last", Shutdown: Infinity, Start: Func(func(ctx context.Context) error { <-ctx.Done(); <-hold; return nil })}
		web := func(ids ...string) Child {
			spec := Spec{Strategy: strategies.RestForOne}
			for _, id := range ids {
				spec.Children = append(spec.Children, quiet(id))
			}
			return Child{ID: "web", Start: Sub(spec)}
		}
		s := on(t, Spec{Children: []Child{web("db", "app"), last}})
		s.cancel()
		synctest.Wait()
		s.seen()
		if _, err := s.reconfigure(Spec{Children: []Child{web("app"), last}}); !errors.Is(err, ErrNotRunning) {
			t.Errorf("%v", err)
		}
		s.want(s.seen(EventStopping))
		close(hold)
		_ = s.ended()
		s.want(s.seen(EventStopping), "stopping t/web", "stopping t/web/app", "stopping t/web/db")
	})
}

// A Spec may be made of the one before: what is to be restarted is, and what failed is
// tried again. All starts that failed are told.
func TestReconfigureWithTheSameSub(t *testing.T) {
	bubble(t, func(t *testing.T) {
		fail := true
		bad := func(id string) Child {
			return Child{ID: id, Start: withInit(func(context.Context) error {
				if fail {
					return errBoom
				}
				return nil
			})}
		}
		spec := Spec{Children: []Child{{ID: "web", Start: Sub(Spec{Children: []Child{quiet("api"), bad("x"), bad("y")}})}, quiet("mailer")}}
		s := on(t, Spec{Children: []Child{{ID: "web", Start: Sub(Spec{Children: []Child{quiet("api")}})}, quiet("mailer")}})
		done, err := s.reconfigure(spec)
		s.want(done, "t/web/x added", "t/web/y added")
		if err == nil || err.Error() != "t/web/x did not start: boom\nt/web/y did not start: boom" {
			t.Errorf("%v", err)
		}
		fail = false
		spec.Children = spec.Children[:1]
		done, err = s.reconfigure(spec, "t/web/api")
		if err != nil {
			t.Error(err)
		}
		s.want(done, "t/mailer removed", "t/web/api renewed", "t/web/x renewed", "t/web/y renewed")
		_ = s.stop()
	})
}

// A temporary child that leaves is told of like any other; a call that gives up waiting
// leaves nobody in between.
func TestReconfigureGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		tmp := quiet("tmp")
		tmp.Restart = strategies.Temporary
		slow := Child{ID: "slow", Start: Func(func(ctx context.Context) error { <-ctx.Done(); time.Sleep(2 * time.Second); return nil })}
		old := Spec{Children: []Child{quiet("a"), quiet("b"), slow, tmp}}
		s := on(t, old)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.root.Reconfigure(ctx, Spec{Children: []Child{quiet("a"), slow}}, "t/slow"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		done, err := s.root.Reconfigure(t.Context(), old) // waits until the other is done all the same
		if err != nil {
			t.Error(err)
		}
		s.want(lines(done), "t/b added", "t/tmp added")
		last, err := s.reconfigure(Spec{Children: []Child{quiet("a")}})
		if !slices.Equal(last, []string{"t/tmp removed", "t/slow removed", "t/b removed"}) {
			t.Errorf("%v, %v", last, err)
		}
		_ = s.stop()
	})
}

// Two calls at once: one after the other, on all levels.
func TestReconfigureTwoAtOnce(t *testing.T) {
	spec := func(v string) Spec {
		return Spec{Children: []Child{
			{ID: "m" + v, Start: Func(untilCancelled)},
			{ID: "web", Start: Sub(Spec{Children: []Child{{ID: "v" + v, Start: Func(untilCancelled)}}})},
		}}
	}
	for range 300 {
		root, err := New("t", spec("0"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := root.Init(ctx); err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- root.Serve(ctx) }()
		var both sync.WaitGroup
		for _, v := range []string{"1", "2"} {
			both.Go(func() {
				if _, err := root.Reconfigure(ctx, spec(v)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		for _, v := range []string{"1", "2"} {
			_, above := root.Find("t/m" + v)
			if _, below := root.Find("t/web/v" + v); above != below {
				t.Fatalf("m%s is there: %v; v%s is there: %v", v, above, v, below)
			}
		}
		cancel()
		<-served
	}
}

// A dynamic supervisor's children that run what the template says run what it says now
// from their next incarnation on.
func TestReconfigureTemplate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var ran []string
		crash := make(chan error)
		template := func(word string, restart strategies.Restart) Spec {
			return Spec{Children: []Child{{ID: "jobs", Start: Sub(Spec{Dynamic: &Child{Restart: restart, Start: Func(func(ctx context.Context) error {
				ran = append(ran, word)
				select {
				case err := <-crash:
					return err
				case <-ctx.Done():
					return nil
				}
			})}})}}}
		}
		s := on(t, template("old", strategies.Permanent))
		jobs := s.root.Supervisor("t/jobs")
		for _, c := range []Child{{}, quiet("own")} {
			if _, err := jobs.StartChild(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if done, err := s.reconfigure(template("new", strategies.Transient)); done != nil || err != nil {
			t.Errorf("%v, %v", done, err)
		}
		if st, _ := s.root.Find("t/jobs/1"); st.Restart != strategies.Transient {
			t.Errorf("it is %v still", st.Restart)
		}
		crash <- errBoom
		synctest.Wait()
		s.want(ran, "old", "new")
		if _, err := s.reconfigure(Spec{Children: []Child{{ID: "jobs", Start: Sub(Spec{Dynamic: &Child{}})}}}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // or it would be one restart too many
		crash <- errBoom        // whose template has nothing to start now
		synctest.Wait()
		s.want(ran, "old", "new", "new")
		_ = s.stop()
	})
}

// A root that does not run has the Spec when it is served next.
func TestReconfigureOfRootAtRest(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := on(t, Spec{Children: []Child{quiet("a"), quiet("b")}})
		_ = s.stop()
		if done, err := s.reconfigure(Spec{Children: []Child{quiet("c"), quiet("a")}}); done != nil || err != nil {
			t.Errorf("%v, %v", done, err)
		}
		s.seen()
		s.serve()
		s.want(s.seen(EventReconfigured, EventProgress), "reconfigured t", "progress t/c", "progress t/a", "progress t")
		_ = s.stop()
	})
}
