package show

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func before(d time.Duration) time.Time { return now.Add(-d) }

// processError is the text of what a worker's process ended with.
const processError = "./cache (pid 812): killed by SIGKILL"

func last(class strategies.Class, reason string, ago time.Duration) *tree.LastExit {
	return &tree.LastExit{Time: before(ago), Incarnation: 1, Exit: strategies.Exit{Class: class, Err: errors.New(reason)}}
}

// shop is a tree in which each thing is to be seen that can be.
func shop() tree.Status {
	web := &tree.SupervisorStatus{
		Strategy: strategies.OneForAll, Intensity: strategies.Intensity{Max: 3, Within: 5 * time.Second},
		Spent: 2, Left: 1, Refill: now.Add(4 * time.Second),
		Children: []tree.Status{
			{ID: "api", Path: "shop/web/api", State: strategies.Up, PID: 811, Incarnation: 3, Since: before(time.Second)},
			{ID: "cache", Path: "shop/web/cache", State: strategies.Waiting, Incarnation: 2, Since: before(time.Second),
				RestartAt: now.Add(9 * time.Second), Last: last(strategies.Killed, processError, time.Second)},
		},
	}
	jobs := &tree.SupervisorStatus{Dynamic: true, Intensity: strategies.Intensity{Within: 5 * time.Second}}
	return tree.Status{
		ID: "shop", Path: "shop", Kind: strategies.Supervisor, State: strategies.Up, Incarnation: 1, Since: before(26 * time.Hour),
		Supervisor: &tree.SupervisorStatus{
			Strategy: strategies.Dependents, Intensity: strategies.Intensity{Max: 1, Within: time.Minute}, Left: 1,
			Children: []tree.Status{
				{ID: "db", Path: "shop/db", State: strategies.Down, Restart: strategies.Transient, Incarnation: 1,
					Last: last(strategies.Crash, "out\nof\x1b[31m cheese", 90*time.Second)},
				{ID: "web", Path: "shop/web", Kind: strategies.Supervisor, State: strategies.Starting, Incarnation: 1, Supervisor: web, Needs: []string{"db"}},
				{ID: "jobs", Path: "shop/jobs", Kind: strategies.Supervisor, State: strategies.Stopping, Supervisor: jobs, Needs: []string{"web"}},
			},
		},
	}
}

func diff(t *testing.T, want, got string) {
	t.Helper()
	if d := cmp.Diff(strings.Split(strings.TrimPrefix(want, "\n"), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTree(t *testing.T) {
	diff(t, `
CHILD        STATE     PID  UPTIME  RUN  RULE         RESTARTS                 LAST EXIT
shop         up        -    1d2h    #1   dependents   0/1 in 1m                -
├─ db        down      -    -       #1   transient    -                        out of [31m cheese 1m30s ago
├─ web       starting  -    -       #1   one_for_all  2/3 in 5s, refill in 4s  -
│  ├─ api    up        811  1s      #3   permanent    -                        -
│  └─ cache  waiting   -    -       #2   permanent    -                        killed by SIGKILL 1s ago; starts in 9s
└─ jobs      stopping  -    -       -    dynamic      none allowed             -
`, Look{Now: now}.Tree(shop()))
}

// A branch is drawn from its top, with its whole path.
func TestTreeOfBranch(t *testing.T) {
	s := shop()
	diff(t, `
CHILD     STATE     PID  UPTIME  RUN  RULE         RESTARTS                 LAST EXIT
shop/web  starting  -    -       #1   one_for_all  2/3 in 5s, refill in 4s  -
|- api    up        811  1s      #3   permanent    -                        -
`+"`- cache  waiting   -    -       #2   permanent    -                        killed by SIGKILL 1s ago; starts in 9s\n",
		Look{Now: now, ASCII: true}.Tree(*Find(&s, "shop/web")))
}

// In a terminal, no line is wider than that, and colours are all that differs.
func TestTreeInTerminal(t *testing.T) {
	plain := Look{Now: now}.Tree(shop())
	coloured := Look{Now: now, Color: true}.Tree(shop())
	if !strings.Contains(coloured, "\x1b[32mup") || !strings.Contains(coloured, "\x1b[1;31mdown") || !strings.Contains(coloured, "\x1b[33mwaiting") {
		t.Errorf("colours are missing:\n%q", coloured)
	}
	diff(t, plain, ansi.Strip(coloured))
	for _, line := range strings.Split(Look{Now: now, Color: true, Width: 60}.Tree(shop()), "\n") {
		if w := ansi.StringWidth(line); w > 60 {
			t.Errorf("%d columns: %q", w, line)
		}
	}
}

func TestFind(t *testing.T) {
	s := shop()
	for _, path := range []string{"shop", "shop/db", "shop/web/cache"} {
		if st := Find(&s, path); st == nil || st.Path != path {
			t.Errorf("%s: found %v", path, st)
		}
	}
	for _, path := range []string{"", "sho", "shop/", "shop/w", "shop/db/x", "other"} {
		if st := Find(&s, path); st != nil {
			t.Errorf("%q: found %s", path, st.Path)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234567: "1ms", 1540 * time.Millisecond: "1.5s", 42*time.Second + 1: "42s", time.Minute: "1m", time.Minute - 1: "1m", time.Hour - 1: "1h",
		61 * time.Second: "1m1s", 3*time.Hour + 5*time.Minute: "3h5m", 50 * time.Hour: "2d2h",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func BenchmarkTree1000(b *testing.B) {
	s := shop()
	kid := s.Supervisor.Children[0]
	for range 1000 {
		s.Supervisor.Children = append(s.Supervisor.Children, kid)
	}
	for b.Loop() {
		_ = Look{Now: now, Color: true, Width: 100}.Tree(s)
	}
}
