package top

import (
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree/control"
)

// question is what the last line asks. The zero question asks nothing.
type question struct {
	kind  questionKind
	order show.Order // of confirm and signal
	ready bool       // of confirm: what it touches is known
	err   error      // or why not
	text  string     // of filter and signal: typed so far
	was   string     // of filter: before
}

type questionKind int

const (
	nothing questionKind = iota
	filter
	signal
	confirm
)

// listed bounds how many children a question names.
const listed = 12

// planned takes what the order touches, if it is the one in question.
func (q *question) planned(p Plan) {
	if q.kind == confirm && !q.ready && q.order.Do == p.Do && q.order.Path == p.Path {
		q.ready, q.err, q.order.Radius = p.Err == nil, p.Err, p.Radius
	}
}

// ask begins an order to the child under the cursor.
func (m *Model) ask(do control.Action) []Effect {
	r := m.current()
	switch {
	case m.player != nil:
		m.say("this is a recording: nothing can be done to it", true)
	case m.cfg.ReadOnly:
		m.say("--read-only: no orders are given", true)
	case m.ended:
		m.say("the tree has ended", true)
	case r == nil:
	default:
		m.asked = question{kind: confirm, order: show.Order{Do: do, Path: r.Path}}
		if do == control.Signal {
			m.asked.kind = signal
			return nil
		}
		return []Effect{AskPlan{Do: do, Path: r.Path}}
	}
	return nil
}

// answer is a key while something is asked.
func (m *Model) answer(k Key) []Effect {
	switch m.asked.kind {
	case confirm:
		return m.confirmed(k)
	case filter, signal:
		return m.typed(k)
	}
	return nil
}

// typed is a key while text is asked for.
func (m *Model) typed(k Key) []Effect {
	q := &m.asked
	switch {
	case k.Name == "esc" && q.kind == filter:
		was := q.was
		m.asked = question{}
		return m.filterBy(was)
	case k.Name == "esc", k.Name == "enter" && q.kind == filter:
		m.asked = question{}
		return nil
	case k.Name == "enter":
		m.signalled()
		return nil
	case k.Name == "backspace":
		if r := []rune(q.text); len(r) > 0 {
			q.text = string(r[:len(r)-1])
		}
	case k.Name == "ctrl+u":
		q.text = ""
	default:
		q.text += harmless(k.Text)
	}
	if q.kind == filter {
		return m.filterBy(q.text)
	}
	return nil
}

// signalled goes on from the name of a signal to its confirmation.
func (m *Model) signalled() {
	q := &m.asked
	q.text = strings.TrimSpace(q.text)
	if q.text == "" {
		m.asked = question{}
		return
	}
	if _, err := control.ParseSignal(q.text); err != nil {
		m.say(err.Error(), true)
		return
	}
	q.order.Signal = q.text
	q.kind, q.ready = confirm, true
}

// confirmed is a key where yes or no is due. What is not a yes is a no.
func (m *Model) confirmed(k Key) []Effect {
	q := m.asked
	if !q.ready && q.err == nil && (k.Text == "y" || k.Text == "Y") {
		return nil // nobody says yes to what he has not seen
	}
	m.asked = question{}
	if !q.ready || k.Text != "y" && k.Text != "Y" {
		return nil
	}
	m.say(fmt.Sprintf("%v %s ...", q.order.Do, q.order.Path), false)
	return []Effect{Act{q.order}}
}

// words is the question as it is asked.
func (q *question) words() string {
	o := q.order
	switch {
	case q.kind == filter:
		return "/" + q.text
	case q.kind == signal:
		return fmt.Sprintf("signal %s: which? a name or a number: %s", o.Path, q.text)
	case q.err != nil:
		return fmt.Sprintf("%v %s: %v", o.Do, o.Path, q.err)
	case !q.ready:
		return fmt.Sprintf("%v %s? what it touches is asked for", o.Do, o.Path)
	case o.Do == control.Signal:
		return fmt.Sprintf("signal %s with %s? whatever follows counts as its own doing [y/N]", o.Path, o.Signal)
	}
	var parts []string
	if len(o.Radius.Stops) > 0 {
		parts = append(parts, "stops "+list(o.Radius.Stops, listed))
	}
	if len(o.Radius.Starts) > 0 {
		parts = append(parts, "starts "+list(o.Radius.Starts, listed))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing is stopped or started")
	}
	if o.Do == control.Stop && show.Parent(o.Path) == "" {
		parts = append(parts, "and ends the run")
	}
	return fmt.Sprintf("%v %s? %s [y/N]", o.Do, o.Path, strings.Join(parts, ", "))
}

// list names some of the paths.
func list(paths []string, most int) string {
	if len(paths) <= most {
		return strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(paths[:most], ", "), len(paths)-most)
}
