package demo

import (
	"context"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"

	"github.com/coppice-go/coppice/tree"
)

// terminal is the view for people: the live tree, redrawn with each event, at a
// pace that can be followed. It shows what the board has seen; the tree itself
// does not wait for it.
type terminal struct {
	ctx   context.Context // ends the pauses
	w     *os.File
	speed float64
	stop  func() // Ctrl-C: the terminal is in raw mode, no signal comes of it

	scene   Scene
	board   *Board
	caption string
	program *tea.Program
	over    chan struct{}
}

// Terminal makes a view that draws. A speed of 2 halves its pauses. stop is
// called for Ctrl-C.
func Terminal(ctx context.Context, w *os.File, speed float64, stop func()) View {
	return &terminal{ctx: ctx, w: w, speed: speed, stop: stop}
}

func (v *terminal) Begin(s Scene, b *Board) {
	v.scene, v.board, v.caption = s, b, "Starting, one after the other."
	v.program = tea.NewProgram(&picture{stop: v.stop}, tea.WithOutput(v.w), tea.WithoutSignalHandler())
	v.over = make(chan struct{})
	go func() {
		defer close(v.over)
		_, _ = v.program.Run()
	}()
	v.draw(2 * time.Second)
}

func (v *terminal) Say(text string) {
	v.caption = text
	v.draw(2500 * time.Millisecond)
}

func (v *terminal) Event(e tree.Event, b *Board) {
	text := tell(e, b)
	if text == "" {
		return
	}
	v.caption = e.Path + ": " + text
	pause := 600 * time.Millisecond
	switch {
	case v.scene.Storm != nil:
		pause = 0
	case e.Cascade.IsZero():
		pause = 150 * time.Millisecond
	}
	v.draw(pause)
}

func (v *terminal) Result(r Result) {
	v.draw(0)
	v.program.Quit()
	<-v.over
	v.program = nil
	for _, l := range r.lines() {
		_, _ = io.WriteString(v.w, l+"\n")
	}
	_, _ = io.WriteString(v.w, "\n")
	v.pause(2 * time.Second)
}

// Close gives the terminal back if a scene did not get to its result.
func (v *terminal) Close() {
	if v.program != nil {
		v.program.Quit()
		<-v.over
	}
}

func (v *terminal) draw(pause time.Duration) {
	// The program draws when it likes, so it gets text, not the board.
	width, _, err := term.GetSize(int(v.w.Fd()))
	if err != nil {
		width = 80
	}
	v.program.Send(drawing(frame(v.scene, v.board, v.caption, width)))
	v.pause(pause)
}

func (v *terminal) pause(d time.Duration) {
	select {
	case <-time.After(time.Duration(float64(d) / v.speed)):
	case <-v.ctx.Done():
	}
}

// drawing is a frame to be shown.
type drawing string

// picture is what the terminal shows: the latest drawing.
type picture struct {
	text string
	stop func()
}

func (p *picture) Init() tea.Cmd { return nil }

func (p *picture) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case drawing:
		p.text = string(msg)
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			p.stop()
		}
	}
	return p, nil
}

func (p *picture) View() tea.View { return tea.NewView(p.text) }
