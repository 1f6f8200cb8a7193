package offline

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/coppice-go/coppice/strategies"
)

// explained is what follows from the death of a program.
type explained struct {
	Path   string   `json:"path"`
	Stops  []string `json:"stops"`  // in this order
	Starts []string `json:"starts"` // in this order
	Climbs []climb  `json:"escalation"`

	node node
	tree *Tree
}

// climb is one death too many: the supervisors that end because of it, and what
// is stopped and started over that.
type climb struct {
	Deaths int      `json:"deaths"` // of the program, until then
	Ends   []end    `json:"ends"`
	Stops  []string `json:"stops"`
	Starts []string `json:"starts"`
}

type end struct {
	Path      string               `json:"path"`
	Why       string               `json:"why"` // exhausted or auto_stopped
	Intensity strategies.Intensity `json:"intensity"`
}

func (t *Tree) explain(path string) (*explained, error) {
	x, err := strategies.Explain(t.root, path)
	if err != nil {
		return nil, err
	}
	climbs, err := t.climbs(x)
	return &explained{path, listed(x.Stops), listed(x.Starts), climbs, t.find(path), t}, err
}

// listed is a list also where there is nothing, for JSON.
func listed(paths []string) []string { return append([]string{}, paths...) }

// climbs lets the program die once more, as often as Explain found that it takes,
// to see what is stopped and started when its supervisors end.
func (t *Tree) climbs(x *strategies.Explanation) ([]climb, error) {
	list := []climb{}
	for _, e := range x.Escalation {
		if n := len(list); n == 0 || list[n-1].Deaths != e.Crashes {
			list = append(list, climb{Deaths: e.Crashes, Stops: []string{}, Starts: []string{}})
		}
		c := &list[len(list)-1]
		c.Ends = append(c.Ends, end{e.Path, e.Why.String(), e.Within})
	}
	if len(list) == 0 {
		return list, nil
	}
	var now *climb
	s := strategies.NewSimulation(t.root, strategies.Script{Event: func(e strategies.SimEvent) {
		if now == nil || e.Exited {
			return
		}
		switch e.Action.Do {
		case strategies.DoStop, strategies.DoKill:
			now.Stops = append(now.Stops, e.Path)
		case strategies.DoStart:
			now.Starts = append(now.Starts, e.Path)
		}
	}})
	if err := s.Boot(); err != nil {
		return nil, err
	}
	err := s.Settle()
	for deaths, i := 0, 0; err == nil && i < len(list); {
		deaths++
		if now = nil; deaths == list[i].Deaths {
			now = &list[i]
			i++
		}
		s.Exit(x.Path, strategies.Exit{Class: strategies.Crash})
		err = s.Settle()
	}
	return list, err
}

// Explain writes what follows from the death of each of the programs; of every
// one if none is named. In a large tree each takes a while, and is written at once.
func (t *Tree) Explain(w io.Writer, paths []string) error {
	for i, path := range t.orAll(paths) {
		x, err := t.explain(path)
		if err != nil {
			return err
		}
		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		x.write(&b)
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// ExplainJSON is Explain for programs.
func (t *Tree) ExplainJSON(w io.Writer, paths []string) error {
	var list []*explained
	for _, path := range t.orAll(paths) {
		x, err := t.explain(path)
		if err != nil {
			return err
		}
		list = append(list, x)
	}
	return writeJSON(w, struct {
		V            string       `json:"v"`
		File         string       `json:"file"`
		Name         string       `json:"name"`
		Explanations []*explained `json:"explanations"`
	}{version, t.Path, t.Name, list})
}

func (t *Tree) orAll(paths []string) []string {
	if len(paths) > 0 {
		return paths
	}
	return slices.Collect(t.root.Workers())
}

func (x *explained) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s dies:\n", printable(x.Path))
	x.writeSteps(b, "  ", x.Stops, x.Starts)
	gone := len(x.Starts) == 0
	for i, c := range x.Climbs {
		var ends []string
		for _, e := range c.Ends {
			ends = append(ends, e.words())
		}
		fmt.Fprintf(b, "  %s: %s", c.deaths(i == 0), strings.Join(ends, "; with it "))
		if last := c.Ends[len(c.Ends)-1]; last.Path == x.tree.Name {
			b.WriteString("; that is the end of the tree" + status[last.Why] + "\n")
			return
		}
		b.WriteByte('\n')
		if c.Deaths > 1 { // otherwise it was told already
			x.writeSteps(b, "    ", c.Stops, c.Starts)
		}
		gone = len(c.Starts) == 0
	}
	b.WriteString("  " + x.rest(gone) + "\n")
}

// status is that of coppice run when the root has ended.
var status = map[string]string{strategies.Exhausted.String(): ", with exit status 1"}

// rest says what becomes of a tree that does not end; gone: nor is the program
// started again.
func (x *explained) rest(gone bool) string {
	switch {
	case gone && len(x.Climbs) > 0:
		return "the rest of the tree runs on without them"
	case gone:
		return fmt.Sprintf("it is %v: the rest of the tree runs on without it", x.node.spec.Restart)
	case len(x.Climbs) > 0:
		return "thousands of deaths in a row make no other supervisor give up"
	case neverExhausts(x.node.spec.Backoff, x.tree.find(parent(x.Path)).tree.Config.Intensity.OrDefault()):
		return "however often it dies, no supervisor gives up: its backoff keeps the restarts too far apart"
	}
	return "thousands of deaths in a row make no supervisor give up"
}

// deaths says how many, and within which time where that can be said: a pause
// changes nothing about the window of the first supervisor.
func (c *climb) deaths(first bool) string {
	switch {
	case c.Deaths == 1:
		return "1 death"
	case first && c.Ends[0].Why == strategies.Exhausted.String():
		return fmt.Sprintf("%d deaths within %v", c.Deaths, c.Ends[0].Intensity.Within)
	}
	return fmt.Sprintf("%d deaths in a row", c.Deaths)
}

func (e *end) words() string {
	path := printable(e.Path)
	if e.Why == strategies.AutoStopped.String() {
		return path + " ends, for its auto_shutdown says so"
	}
	return fmt.Sprintf("%s gives up (%s)", path, allowed(e.Intensity))
}

// writeSteps writes which programs stop and start. Supervisors are left out, for
// they do what they do by their programs.
func (x *explained) writeSteps(b *strings.Builder, margin string, stops, starts []string) {
	fmt.Fprintf(b, "%sstops   %s\n", margin, x.steps(stops))
	fmt.Fprintf(b, "%sstarts  %s\n", margin, x.steps(starts))
}

func (x *explained) steps(paths []string) string {
	var programs []string
	for _, path := range paths {
		if _, ok := x.tree.Commands[path]; ok {
			programs = append(programs, path)
		}
	}
	switch len(programs) {
	case 0:
		return "nothing"
	case 1:
		return joined(programs)
	}
	return joined(programs) + "  (in this order)"
}
