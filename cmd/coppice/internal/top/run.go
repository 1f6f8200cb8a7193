package top

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Run shows a tree on a terminal until the user quits, which touches the tree in
// no way. t is nil for a recording. The error is that of the terminal, or ctx's.
func Run(ctx context.Context, t Tree, cfg Config, in io.Reader, out io.Writer) error {
	l := newLive(ctx, t)
	defer l.close()
	model, first := New(cfg)
	p := tea.NewProgram(&program{model: model, first: first, live: l}, tea.WithContext(l.ctx), tea.WithInput(in), tea.WithOutput(out))
	if t != nil {
		l.follow(func(m Msg) { p.Send(m) })
	}
	_, err := p.Run()
	if errors.Is(err, tea.ErrInterrupted) { // a signal from outside: as good a way to quit as any
		return nil
	}
	return err
}

// program is a Model in a terminal.
type program struct {
	model *Model
	first []Effect
	live  *live
}

func (p *program) Init() tea.Cmd { return p.cmds(p.first) }

func (p *program) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		return p, p.cmds(p.model.Update(Size{msg.Width, msg.Height}))
	case tea.KeyPressMsg:
		return p, p.cmds(p.model.Update(Key{msg.String(), msg.Text}))
	case Msg:
		return p, p.cmds(p.model.Update(msg))
	}
	return p, nil
}

func (p *program) View() tea.View {
	v := tea.NewView(p.model.View())
	v.AltScreen = true
	return v
}

// cmds are effects as the terminal has them.
func (p *program) cmds(effects []Effect) tea.Cmd {
	var cmds []tea.Cmd
	for _, e := range effects {
		cmds = append(cmds, p.cmd(e))
	}
	return tea.Batch(cmds...)
}

func (p *program) cmd(e Effect) tea.Cmd {
	switch e := e.(type) {
	case Quit:
		return tea.Quit
	case Later:
		return tea.Tick(e.After, func(now time.Time) tea.Msg {
			if e.Msg != nil {
				return e.Msg
			}
			return Tick{now}
		})
	}
	return func() tea.Msg {
		if m := p.live.do(e); m != nil {
			return m
		}
		return nil
	}
}
