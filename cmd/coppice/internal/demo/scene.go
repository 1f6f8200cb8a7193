package demo

import (
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

const (
	// patience is how long anything that should happen may take.
	patience = 15 * time.Second
	// window is the period of every restart intensity here: long, so that a
	// viewer who takes his time does not change the outcome.
	window = time.Hour
)

// Scene is a tree, what is done to it, and what must follow.
type Scene struct {
	Name  string
	Title string
	Text  string // what to watch, and why
	Root  string // the name of the tree
	Tree  func(l leaves) tree.Spec
	Steps []Step
	Storm *Storm // instead of Steps
	Ends  bool   // the root gives up at the last step
}

// Step is one crash and what must follow from it. Paths are of leaves; the order
// counts.
type Step struct {
	Victim  string
	Fault   Fault
	Stopped []string // told to stop because of it
	Started []string // started because of it
	GaveUp  []string // supervisors that gave up over it
	Left    int      // restarts left where it was restarted; not asked if the root ends
	Says    string   // what the viewer is told when it is over
}

// Storm is a time of random crashes.
type Storm struct {
	Lasts time.Duration
	Crash time.Duration // a crash each so often, on average
}

// Scenes returns the scenes in the order in which they are played.
func Scenes() []Scene {
	return []Scene{oneForOne, oneForAll, restForOne, escalation, storm}
}

var oneForOne = Scene{
	Name:  "one-for-one",
	Title: "One for one: a crash is its own affair",
	Text: "Three processes that need nothing of each other. Whichever dies, and however, is started again at once, " +
		"and the others keep running: watch their pids. Each restart is counted against what the supervisor allows.",
	Root: "shop",
	Tree: func(l leaves) tree.Spec {
		return spec(strategies.OneForOne, 4, l.leaf("catalog"), l.leaf("search"), l.leaf("mailer"))
	},
	Steps: []Step{
		{Victim: "shop/search", Fault: Kill, Started: []string{"shop/search"}, Left: 3, Says: "A SIGKILL from outside: a new pid, and nobody else noticed."},
		{Victim: "shop/mailer", Fault: Exit, Started: []string{"shop/mailer"}, Left: 2, Says: "An exit with status 3 is a crash like any other."},
		{Victim: "shop/search", Fault: Panic, Started: []string{"shop/search"}, Left: 1, Says: "A panic, too. One restart is left now."},
	},
}

var oneForAll = Scene{
	Name:  "one-for-all",
	Title: "One for all: they only make sense together",
	Text: "api, cache and sessions share state, so none may go on with a partner that has forgotten it. When one dies the " +
		"others are stopped, last started first, and then all are started in order. db is outside of the group.",
	Root: "shop",
	Tree: func(l leaves) tree.Spec {
		return spec(strategies.OneForOne, 3, l.leaf("db"),
			branch("web", strategies.OneForAll, 3, l.leaf("api"), l.leaf("cache"), l.leaf("sessions")))
	},
	Steps: []Step{
		{
			Victim: "shop/web/cache", Fault: Kill, Left: 2,
			Stopped: []string{"shop/web/sessions", "shop/web/api"},
			Started: []string{"shop/web/api", "shop/web/cache", "shop/web/sessions"},
			Says:    "One crash, one restart counted, three processes anew; db never noticed.",
		},
		{
			Victim: "shop/web/api", Fault: Panic, Left: 1,
			Stopped: []string{"shop/web/sessions", "shop/web/cache"},
			Started: []string{"shop/web/api", "shop/web/cache", "shop/web/sessions"},
			Says:    "It does not matter which of them it was.",
		},
	},
}

var restForOne = Scene{
	Name:  "rest-for-one",
	Title: "Rest for one: what was started later depends on it",
	Text: "A pipeline in the order of its dependencies: parser reads from source, index from parser, report from index. When " +
		"one dies, those after it are stopped, last first, and started again after it. Those before it are left alone.",
	Root: "pipeline",
	Tree: func(l leaves) tree.Spec {
		return spec(strategies.RestForOne, 3, l.leaf("source"), l.leaf("parser"), l.leaf("index"), l.leaf("report"))
	},
	Steps: []Step{
		{
			Victim: "pipeline/parser", Fault: Kill, Left: 2,
			Stopped: []string{"pipeline/report", "pipeline/index"},
			Started: []string{"pipeline/parser", "pipeline/index", "pipeline/report"},
			Says:    "Everything downstream of parser is new; source kept its pid.",
		},
		{Victim: "pipeline/report", Fault: Exit, Started: []string{"pipeline/report"}, Left: 1, Says: "Nothing depends on the last one, so only that is restarted."},
	},
}

var escalation = Scene{
	Name:  "escalation",
	Title: "Escalation: when restarting does not help",
	Text: "Three levels. api may restart a child once. When that is used up it gives up, and web restarts the whole branch, " +
		"with a fresh history, but also only once. When that is used up the root, which allows nothing, gives up, and the program would end.",
	Root: "shop",
	Tree: func(l leaves) tree.Spec {
		return spec(strategies.OneForOne, tree.NoRestarts, l.leaf("db"),
			branch("web", strategies.OneForAll, 1, l.leaf("cache"),
				branch("api", strategies.OneForOne, 1, l.leaf("server"), l.leaf("worker"))))
	},
	Ends: true,
	Steps: []Step{
		{Victim: "shop/web/api/server", Fault: Kill, Started: []string{"shop/web/api/server"}, Left: 0, Says: "Restarted on the spot; api has no restart left."},
		{
			Victim: "shop/web/api/server", Fault: Exit, Left: 0,
			GaveUp:  []string{"shop/web/api"},
			Stopped: []string{"shop/web/api/worker", "shop/web/cache"},
			Started: []string{"shop/web/cache", "shop/web/api/server", "shop/web/api/worker"},
			Says:    "api gave up, so web restarted the branch; now web has no restart left.",
		},
		{Victim: "shop/web/api/worker", Fault: Panic, Started: []string{"shop/web/api/worker"}, Left: 0, Says: "The new api began with a fresh history: it had one restart again."},
		{
			Victim: "shop/web/api/server", Fault: Kill,
			GaveUp:  []string{"shop/web/api", "shop/web", "shop"},
			Stopped: []string{"shop/web/api/worker", "shop/web/cache", "shop/db"},
			Says:    "Used up at every level: the root stopped what was left, in reverse order, and gave up.",
		},
	},
}

var storm = Scene{
	Name:  "storm",
	Title: "Storm: random crashes, and how long each recovery takes",
	Text: "Twelve processes in three branches, one for each strategy, and a few seconds of random crashes of all kinds. " +
		"Afterwards everything must be ready again. The same --seed makes the same plan of crashes.",
	Root: "shop",
	Tree: func(l leaves) tree.Spec {
		const plenty = 10_000
		return spec(strategies.OneForOne, plenty,
			branch("web", strategies.OneForOne, plenty, l.leaf("a"), l.leaf("b"), l.leaf("c"), l.leaf("d")),
			branch("store", strategies.OneForAll, plenty, l.leaf("a"), l.leaf("b"), l.leaf("c"), l.leaf("d")),
			branch("jobs", strategies.RestForOne, plenty, l.leaf("a"), l.leaf("b"), l.leaf("c"), l.leaf("d")))
	},
	Storm: &Storm{Lasts: 5 * time.Second, Crash: 150 * time.Millisecond},
}
