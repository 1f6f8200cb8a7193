package show

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
)

var (
	dbDied = strategies.Cascade{Origin: "shop/db", N: 1}

	// api was stopped because db died, and had died by itself before.
	api = record.Why{
		Path:   "shop/web/api",
		Status: &tree.Status{Path: "shop/web/api", State: strategies.Up, Incarnation: 3, PID: 815, Since: before(time.Second)},
		Budget: &record.Budget{Supervisor: "shop/web", Max: 3, WithinMS: 60_000, Spent: 1, Left: 2, Refill: now.Add(20 * time.Second)},
		Exits: []record.Exit{
			{
				Time: before(2 * time.Second), Kind: tree.EventExited, Incarnation: 2, PID: 812, Class: strategies.Shutdown,
				Reason: "./api (pid 812): killed by SIGTERM", Told: true, Cascade: &dbDied, Output: []string{"bye"},
				Follows: &record.Follows{Stopped: []string{"shop/web", "shop/mail"}, Started: []string{"shop/db", "shop/web", "shop/web/api", "shop/mail"}},
			},
			{
				Time: before(40 * time.Second), Kind: tree.EventExited, Incarnation: 1, PID: 811, Class: strategies.Killed,
				Reason: "./api (pid 811): killed by SIGKILL", Cascade: &strategies.Cascade{Origin: "shop/web/api", N: 1}, Output: []string{"out of \x1bcheese"},
				Restart: &record.Restart{Supervisor: "shop/web", Spent: 1, Max: 3, Group: []string{"shop/web/api"}}, AfterMS: 500,
				Follows: &record.Follows{Started: []string{"shop/web/api"}},
			},
		},
	}
	db = record.Exit{
		Time: before(2 * time.Second), Kind: tree.EventExited, Incarnation: 1, PID: 800, Class: strategies.Crash, Reason: "./db (pid 800): exit status 3",
		Cascade: &dbDied, Output: []string{"disk full"},
		Restart: &record.Restart{Supervisor: "shop", Spent: 2, Max: 5, Group: []string{"shop/db", "shop/web", "shop/mail"}},
	}
)

func TestWhy(t *testing.T) {
	r := Report{Why: api, Origins: map[strategies.Cascade]record.Exit{dbDied: db}}
	diff(t, `
shop/web/api  up for 1s, incarnation 3, pid 815

2s ago, at 03:04:03.000  stopped: killed by SIGTERM (incarnation 2, pid 812)
  because     shop/db died: exit status 3 at 03:04:03.000, 2s ago; so it was told to stop
  decision    shop restarted shop/db, shop/web, shop/mail together: restart 2 of 5
  stopped     shop/web (with all below it), shop/mail
  started     shop/db, shop/web, shop/web/api, shop/mail
  last output of shop/db:
    | disk full
  its last output:
    | bye

Before that:
  40s ago, at 03:03:25.000  killed by SIGKILL (incarnation 1, pid 811), restart 1 of 3

shop/web has spent 1 of 3 restarts within 1m; the oldest counts until 03:04:25, 20s from now.
`, Look{Now: now}.Why(r))
}

func TestWhyAll(t *testing.T) {
	r := Report{Why: api, All: true} // of shop/db nothing is remembered
	r.Budget = &record.Budget{Supervisor: "shop/web", Max: 3, WithinMS: 60_000, Spent: 3, Refill: now.Add(20 * time.Second)}
	diff(t, `
shop/web/api  up for 1s, incarnation 3, pid 815

2s ago, at 03:04:03.000  stopped: killed by SIGTERM (incarnation 2, pid 812)
  because     shop/db died: how, is not remembered any more; so it was told to stop
  stopped     shop/web (with all below it), shop/mail
  started     shop/db, shop/web, shop/web/api, shop/mail
  its last output:
    | bye

40s ago, at 03:03:25.000  killed by SIGKILL (incarnation 1, pid 811)
  because     of itself: no other failure came before
  decision    shop/web restarted it alone: restart 1 of 3 within 1m
  pause       500ms before the next start
  started     shop/web/api
  its last output:
    | out of  cheese

shop/web has spent 3 of 3 restarts within 1m; the oldest counts until 03:04:25, 20s from now; one more failure before that ends it.
`, Look{Now: now}.Why(r))
}

// What is told of one end, field by field.
func TestWhyOfOneEnd(t *testing.T) {
	crash := func(change func(*record.Exit)) record.Exit {
		x := record.Exit{Time: before(time.Second), Kind: tree.EventExited, Incarnation: 1, Class: strategies.Crash, Reason: "boom", Cascade: &strategies.Cascade{Origin: "shop/a", N: 1}}
		change(&x)
		return x
	}
	for name, c := range map[string]struct {
		restart strategies.Restart
		exit    record.Exit
		want    []string
	}{
		"temporary": {strategies.Temporary, crash(func(*record.Exit) {}), []string{"boom (incarnation 1)", "decision    not restarted: a temporary child never is"}},
		"transient": {
			strategies.Transient, crash(func(x *record.Exit) { x.Class, x.Reason, x.Cascade = strategies.Normal, "", nil }),
			[]string{"finished without error", "of itself: nobody told it to stop", "not restarted: a transient child that ends without failure is not"},
		},
		"one too many": {
			strategies.Permanent, crash(func(x *record.Exit) {
				x.Restart = &record.Restart{Supervisor: "shop", Spent: 3, Max: 2, GaveUp: true}
				x.Follows = &record.Follows{GaveUp: []record.GivingUp{{Supervisor: "shop", Child: "shop/a", Spent: 3, Max: 2}}}
			}),
			[]string{"not restarted: it would have been restart 3, shop allows 2 within 5s, and gave up", "escalated   shop gave up: shop/a needed restart 3, 2 allowed"},
		},
		"none allowed": {
			strategies.Permanent, crash(func(x *record.Exit) { x.Restart = &record.Restart{Supervisor: "shop", Spent: 1, GaveUp: true} }),
			[]string{"not restarted: shop allows no restart, and gave up"},
		},
		"start error": {
			strategies.Permanent, crash(func(x *record.Exit) { x.Kind, x.Cascade = tree.EventStartError, &dbDied }),
			[]string{"did not start: boom", "shop/db died: how, is not remembered any more; this was to be started with it"},
		},
		"of its own earlier failure": {
			strategies.Permanent, crash(func(x *record.Exit) { x.Kind, x.Incarnation = tree.EventStartError, 2 }),
			[]string{"did not start: boom (incarnation 2)", "incarnation 1 died: how, is not remembered any more"},
		},
		"just now": {strategies.Permanent, crash(func(*record.Exit) {}), []string{"decision    none yet, or its supervisor was about to end"}},
		"asked for": {
			strategies.Permanent, crash(func(x *record.Exit) { x.Kind, x.Cascade = tree.EventNotStarted, nil }),
			[]string{"was asked to start, and did not: boom", "who asked for the start was told"},
		},
		"ordered": {
			strategies.Permanent, crash(func(x *record.Exit) {
				x.Class, x.Reason, x.Told, x.Cascade = strategies.Shutdown, "context canceled", true, nil
			}),
			[]string{"stopped as told", "it was told to stop: no failure came before", "not restarted for this, and nothing was counted"},
		},
	} {
		w := record.Why{
			Path: "shop/a", Status: &tree.Status{Path: "shop/a", Restart: c.restart, Incarnation: 1}, Exits: []record.Exit{c.exit},
			Budget: &record.Budget{Supervisor: "shop", Max: 2, WithinMS: 5000, Left: 2},
		}
		got := Look{Now: now}.Why(Report{Why: w})
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, got)
			}
		}
	}
}

func TestWhyWithoutEnds(t *testing.T) {
	for want, st := range map[string]*tree.Status{
		"shop/a  up, incarnation 1\nIt never ended.\n":                                    {Path: "shop/a", State: strategies.Up, Incarnation: 1},
		"shop/a  up, incarnation 4\nNone of its ends is remembered.\n":                    {Path: "shop/a", State: strategies.Up, Incarnation: 4},
		"shop/a  down\nIt was never started.\n":                                           {Path: "shop/a"},
		"shop/a  is not in the tree any more\n":                                           nil,
		"shop/a  waiting, incarnation 2, starts in 3s\nNone of its ends is remembered.\n": {Path: "shop/a", State: strategies.Waiting, Incarnation: 2, RestartAt: now.Add(3 * time.Second)},
	} {
		diff(t, want, Look{Now: now}.Why(Report{Why: record.Why{Path: "shop/a", Status: st}}))
	}
	w := record.Why{Path: "shop/a", Budget: &record.Budget{Supervisor: "shop"}}
	diff(t, "shop/a  is not in the tree any more\n\nshop allows no restart: the next failure of a child ends it.\n", Look{Now: now}.Why(Report{Why: w}))
}

// In a terminal what is told is wrapped beside its name.
func TestWhyInTerminal(t *testing.T) {
	got := ansi.Strip(Look{Now: now, Color: true, Width: 60}.Why(Report{Why: api, Origins: map[strategies.Cascade]record.Exit{dbDied: db}}))
	const want = `
  because     shop/db died: exit status 3 at 03:04:03.000,
              2s ago; so it was told to stop
  decision    shop restarted shop/db, shop/web, shop/mail
              together: restart 2 of 5
`
	if !strings.Contains(got, want) {
		t.Error(got)
	}
}

func TestAbove(t *testing.T) {
	a := NewAbove("shop/web/api")
	for _, e := range []tree.Event{
		{Kind: tree.EventStopping, Path: "shop/web", Cascade: dbDied},
		{Kind: tree.EventStopping, Path: "shop/web/api", Incarnation: 1},
		{Kind: tree.EventExited, Path: "shop/web/api", Incarnation: 1},
		{Kind: tree.EventExited, Path: "shop/web"},

		{Kind: tree.EventRenewing, Path: "shop/db", Group: []string{"db", "web"}},
		{Kind: tree.EventStopping, Path: "shop/web"},
		{Kind: tree.EventStopping, Path: "shop/web/api", Incarnation: 2},
		{Kind: tree.EventExited, Path: "shop/web/api", Incarnation: 2},
		{Kind: tree.EventExited, Path: "shop/web"},
		{Kind: tree.EventStarting, Path: "shop/web"},

		{Kind: tree.EventStopping, Path: "shop/webmail"},
		{Kind: tree.EventExited, Path: "shop/web/api", Incarnation: 3},

		{Kind: tree.EventStopping, Path: "shop/web/api", Incarnation: 4},
		{Kind: tree.EventExited, Path: "shop/web/api", Incarnation: 4},

		{Kind: tree.EventReconfiguring, Path: "shop", Group: []string{"db", "web"}},
		{Kind: tree.EventStopping, Path: "shop/web"},
		{Kind: tree.EventStopping, Path: "shop/web/api", Incarnation: 5},
		{Kind: tree.EventExited, Path: "shop/web/api", Incarnation: 5},
		{Kind: tree.EventExited, Path: "shop/web"},
		{Kind: tree.EventReconfigured, Path: "shop", Group: []string{"db", "web"}},
		{Kind: tree.EventStarting, Path: "shop/web"},

		{Kind: tree.EventStopping, Path: "shop/web/api", Incarnation: 6},
		{Kind: tree.EventExited, Path: "shop/web/api", Incarnation: 6},
	} {
		a.See(&e)
	}
	for n, want := range map[uint64]Stop{
		1: {Path: "shop/web", Cascade: dbDied}, 2: {Path: "shop/web", Request: "shop/db"}, 3: {}, 4: {Path: "shop/web/api"},
		5: {Path: "shop/web", Reload: true}, 6: {Path: "shop/web/api"},
	} {
		if got, ok := a.Of(n); got != want || ok != (want != Stop{}) {
			t.Errorf("incarnation %d: %+v, want %+v", n, got, want)
		}
	}
}
