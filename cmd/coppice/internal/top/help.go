package top

import "strings"

const helpText = `Keys
  up down j k pgup pgdn home end   move in the pane that has the keys
  tab                              the next pane: tree, log, events
  left right h l                   fold and unfold a supervisor, or a cascade
  enter                            why did this child end; of a cascade: unfold
  r s S K                          restart, stop, start, signal; asks first
  /                                show only paths that contain a text; esc: all
  p                                output of the incarnation before, and back
  space                            pause the view, and go on
  q ctrl+c                         quit; the tree is not touched
In a recording
  space                            play and pause
  left right                       an event back, an event on
  + -                              faster, slower

Columns
  RADIUS   if the child under the cursor dies: @stop2 is stopped second,
           @start1 is started first; what shares its fate is marked @tint
  UP       how long it has been in its state; -5s: it is started in 5 s
  AGAIN    times it was started again, whatever the reason: within the window
           of its supervisor / since it was added
  LATELY   the same of it and all below it, a cell for each 5 s
  CPU RSS  of the process itself, sampled each second; not in a recording
  RESTARTS LEFT  @full@full@empty 2/3 +8s: 2 of 3 are left, one more in 8 s.
           One failure more than that ends the supervisor, and goes up a level

Events
  @closedA failure or request, and all that follows: @stop stops, @start starts, @gaveup gave up`

func helpPage(m *Model) *page {
	text := strings.NewReplacer("@stop", m.stop, "@start", m.start, "@tint", m.tint, "@full", m.full, "@empty", m.empty,
		"@closed", m.closed, "@gaveup", m.gaveUp).Replace(helpText)
	return &page{title: "coppice top", draw: func(int) []string { return strings.Split(text, "\n") }}
}
