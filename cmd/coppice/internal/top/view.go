package top

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// What a screen must have to be one.
const (
	leastWidth  = 40
	leastHeight = 10
)

// bothFrom is the height from which both the output and the events have room.
const bothFrom = 36

// heights are the lines of each part of the screen; those of below without its
// heading.
type heights struct{ tree, details, below, events, foot int }

// of is how many lines of a list a pane has.
func (h heights) of(p pane) int {
	switch {
	case p == treePane:
		return h.tree
	case p == eventPane && h.events > 0:
		return h.events
	}
	return h.below
}

// heights shares out the screen: the title, the heading of the tree, and what
// they leave.
func (m *Model) heights() heights {
	h := heights{details: 4, foot: len(m.foot())}
	if m.over() {
		h.details = 1 + clamp(len(m.causes()), m.height/3)
	}
	left := m.height - 2 - h.details - h.foot
	h.tree = min(len(m.rows), max(3, left*6/10))
	switch left -= h.tree; {
	case m.height >= bothFrom && left > 6:
		h.below = (left - 2) * 4 / 10
		h.events = left - 2 - h.below
	case left > 2:
		h.below = left - 1
	default:
		h.tree += left
	}
	h.tree = max(1, h.tree)
	return h
}

// View draws the screen: Height lines, none wider than Width.
func (m *Model) View() string {
	if m.width < leastWidth || m.height < leastHeight {
		return m.cut(fmt.Sprintf("%dx%d is too small, %dx%d is needed; q quits", m.width, m.height, leastWidth, leastHeight), m.width)
	}
	if m.page != nil {
		return m.joined(m.drawPage())
	}
	h := m.heights()
	lines := append([]string{m.title()}, m.table(h.tree)...)
	if m.over() {
		lines = append(lines, m.ending(h.details)...)
	} else {
		lines = append(lines, m.details()...)
	}
	switch {
	case h.events > 0:
		lines = append(lines, m.panel(h.below, logPane)...)
		lines = append(lines, m.panel(h.events, eventPane)...)
	case h.below > 0:
		lines = append(lines, m.panel(h.below, m.below)...)
	}
	foot := m.foot()
	for len(lines) < m.height-len(foot) {
		lines = append(lines, "")
	}
	return m.joined(append(lines[:m.height-len(foot)], foot...))
}

func (m *Model) joined(lines []string) string {
	for i := range lines {
		lines[i] = m.cut(lines[i], m.width)
	}
	return strings.Join(lines, "\n")
}

// title says which tree it is, how it is, and what the view is doing.
func (m *Model) title() string {
	root := &m.snapshot.Root
	parts := []string{m.paint(bold, "coppice top") + "  " + m.paint(focussed, harmless(root.Path))}
	if !root.Since.IsZero() {
		parts[0] += " " + m.paint(show.StateStyle(root.State, m.over()), root.State.String()) + " " + age(m.now.Sub(root.Since))
	}
	parts = append(parts, m.counts(root))
	if tag := m.mode(); tag != "" {
		parts = append(parts, tag)
	}
	left := strings.Join(parts, m.sep)
	clock := m.paint(faint, m.now.Format("15:04:05"))
	return m.cell(left, m.width-ansi.StringWidth(clock)-1) + " " + clock
}

// counts are the workers in each state.
func (m *Model) counts(root *tree.Status) string {
	n := map[strategies.State]int{}
	var count func(*tree.Status)
	count = func(st *tree.Status) {
		if st.Supervisor == nil {
			n[st.State]++
			return
		}
		for i := range st.Supervisor.Children {
			count(&st.Supervisor.Children[i])
		}
	}
	count(root)
	var parts []string
	for _, s := range []strategies.State{strategies.Up, strategies.Starting, strategies.Stopping, strategies.Waiting, strategies.Down} {
		if n[s] > 0 {
			parts = append(parts, m.paint(show.StateStyle(s, false), fmt.Sprintf("%d %v", n[s], s)))
		}
	}
	return strings.Join(parts, ", ")
}

// mode is what is special about the view.
func (m *Model) mode() string {
	p := m.player
	switch {
	case p != nil:
		state := "paused"
		if p.playing {
			state = "playing"
		}
		return m.paint(yellow, fmt.Sprintf("%s %gx %d/%d", state, p.speed, p.at, len(p.Events)))
	case m.lost != nil:
		return m.paint(alarm, "connection lost")
	case m.ended:
		return m.paint(alarm, "ended")
	case m.paused:
		return m.paint(yellow, fmt.Sprintf("paused, %d events wait", len(m.held)))
	case m.mirror.asking:
		return m.paint(yellow, "events were lost, asking anew")
	case m.cfg.ReadOnly:
		return m.paint(faint, "read-only")
	}
	return ""
}

// rule is a heading.
func (m *Model) rule(text string) string {
	text = m.cut(text, m.width-4)
	rest := max(0, m.width-ansi.StringWidth(text)-4)
	return m.paint(faint, m.glyphs.rule+m.glyphs.rule+" ") + text + m.paint(faint, " "+strings.Repeat(m.glyphs.rule, rest))
}

// footMost bounds the lines of a question.
const footMost = 6

// foot is what is asked, or said, or else the keys.
func (m *Model) foot() []string {
	var text string
	style := bold
	switch {
	case m.asked.kind != nothing:
		text = m.asked.words()
		if m.message != "" {
			text = m.message + "; " + text
		}
	case m.message != "":
		text = strings.TrimSpace(m.message)
		if style = green; m.failed {
			style = alarm
		}
	default:
		return []string{m.keys()}
	}
	lines := strings.Split(ansi.Wrap(text, max(1, m.width-1), " "), "\n")
	if len(lines) > footMost {
		lines = append(lines[:footMost-1], lines[len(lines)-1]) // what is asked stands last
	}
	for i := range lines {
		lines[i] = m.paint(style, lines[i])
	}
	return lines
}

// keys names those that matter now.
func (m *Model) keys() string {
	var keys [][2]string
	switch {
	case m.player != nil:
		keys = [][2]string{{"space", "play"}, {"←→", "step"}, {"+-", "speed"}, {"h l", "fold"}, {"enter", "why"}, {"/", "filter"}, {"?", "help"}, {"q", "quit"}}
	case m.cfg.ReadOnly || m.over():
		keys = [][2]string{{"enter", "why"}, {"/", "filter"}, {"←→", "fold"}, {"p", "previous log"}, {"space", "pause"}, {"?", "help"}, {"q", "quit"}}
	default:
		keys = [][2]string{{"enter", "why"}, {"r", "restart"}, {"s", "stop"}, {"S", "start"}, {"K", "signal"}, {"/", "filter"}, {"?", "help"}, {"q", "quit"}}
	}
	if m.filter != "" {
		keys = append([][2]string{{"esc", "show all again"}}, keys...)
	}
	var parts []string
	for _, k := range keys {
		name := k[0]
		if m.cfg.ASCII && name == "←→" {
			name = "<- ->"
		}
		parts = append(parts, m.paint(bold, name)+" "+m.paint(faint, k[1]))
	}
	return strings.Join(parts, "  ")
}
