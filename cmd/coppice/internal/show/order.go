package show

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
)

// Order is something that is to be done to a child.
type Order struct {
	Do     control.Action
	Path   string
	Signal string // of a signal
	Radius control.Radius
	Tree   *tree.Status // as it is before
}

// Plan tells what an order touches, what it does not, and what it costs.
func (o Order) Plan() string {
	head := fmt.Sprintf("%v %s", o.Do, o.Path)
	if o.Do == control.Signal {
		return fmt.Sprintf("%s: sends its process %s; whatever follows counts as its own doing\n", head, o.Signal)
	}
	var parts []string
	if len(o.Radius.Stops) > 0 {
		parts = append(parts, "stops "+list(o.Radius.Stops, 0))
	}
	if len(o.Radius.Starts) > 0 {
		parts = append(parts, "starts "+list(o.Radius.Starts, 0))
	}
	if len(parts) == 0 {
		parts = append(parts, o.nothing())
	}
	if up := Parent(o.Path); up != "" && o.Do == control.Restart {
		parts = append(parts, "not counted against the budget of "+up)
	}
	text := head + ": " + strings.Join(parts, "; ") + "\n"
	if left := o.left(); len(left) > 0 {
		text += fmt.Sprintf("%s will run on without %s, which they need (directly or not)\n", list(left, 0), o.Path)
	}
	return text
}

// nothing tells of an order that stops and starts nothing.
func (o Order) nothing() string {
	if st := Find(o.Tree, o.Path); st != nil && st.State == strategies.Waiting {
		return "it does not run; its next start is given up"
	}
	return "nothing is stopped or started"
}

// left returns the paths of the siblings that run on although they need what is
// stopped.
func (o Order) left() []string {
	up := Find(o.Tree, Parent(o.Path))
	if o.Do != control.Stop || up == nil || up.Supervisor == nil || up.Supervisor.Strategy != strategies.Dependents {
		return nil
	}
	gone := map[string]bool{o.Path[len(up.Path)+1:]: true} // ids of what is missing, or has something missing
	for grown := true; grown; {
		grown = false
		for _, kid := range up.Supervisor.Children {
			if !gone[kid.ID] && slices.ContainsFunc(kid.Needs, func(id string) bool { return gone[id] }) {
				gone[kid.ID], grown = true, true
			}
		}
	}
	var left []string
	for _, kid := range up.Supervisor.Children {
		if gone[kid.ID] && kid.Path != o.Path && kid.State != strategies.Down && !slices.Contains(o.Radius.Stops, kid.Path) {
			left = append(left, kid.Path)
		}
	}
	return left
}

// done is what was done, in a word.
var done = map[control.Action]string{
	control.Start: "started", control.Stop: "stopped", control.Restart: "restarted", control.Signal: "signalled",
}

// Result tells what was done, and what runs now. pid is 0 if that is not known.
func (o Order) Result(d control.Done, pid int) string {
	text := fmt.Sprintf("%s %s", done[o.Do], d.Path)
	switch {
	case o.Do == control.Signal:
		text += " with " + o.Signal
	case o.Do == control.Stop && Parent(d.Path) == "":
		text = fmt.Sprintf("stopping %s, which ends the run", d.Path)
	}
	if d.Incarnation > 0 {
		text += fmt.Sprintf(", incarnation %d", d.Incarnation)
	}
	if pid != 0 {
		text += fmt.Sprintf(", pid %d", pid)
	}
	return text + "\n"
}

// Otherwise tells what was done if that is not what was planned: the tree goes
// on between the two. It is empty if all went as planned.
func (o Order) Otherwise(d control.Done) string {
	if slices.Equal(o.Radius.Stops, d.Radius.Stops) && slices.Equal(o.Radius.Starts, d.Radius.Starts) {
		return ""
	}
	o.Radius = d.Radius
	return "it turned out otherwise: " + o.Plan()
}
