package top

import (
	"context"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// feedEvery is how often the model is told what happened, at most: the screen is
// drawn after each message, and nobody can see more.
const feedEvery = 100 * time.Millisecond

// feedMost is how much is told at once. While the model has not taken it the
// streams wait, and the tree drops what they do not read.
const feedMost = 4096

// feed gathers what comes in streams.
type feed struct {
	ctx context.Context
	in  chan fed
}

// fed is one thing that came: an event, a line of output, or a message.
type fed struct {
	event *tree.Event
	line  *Output
	msg   Msg
}

// put waits until it is taken. It reports whether there is anyone still.
func (f *feed) put(x fed) bool {
	select {
	case f.in <- x:
		return true
	case <-f.ctx.Done():
		return false
	}
}

// run passes on what is put until the context ends.
func (f *feed) run(send func(Msg)) {
	var b Batch
	var due <-chan time.Time // nil: there is nothing
	var last time.Time
	flush := func() {
		if len(b.Events)+len(b.Lines) > 0 {
			b.Now = time.Now()
			send(b)
			last = time.Now()
		}
		b, due = Batch{}, nil
	}
	for {
		in := f.in
		if len(b.Events)+len(b.Lines) >= feedMost {
			in = nil
		}
		select {
		case x := <-in:
			if x.msg != nil { // it is about what came before
				flush()
				send(x.msg)
				continue
			}
			if x.event != nil {
				b.Events = append(b.Events, *x.event)
			}
			if x.line != nil {
				b.Lines = append(b.Lines, *x.line)
			}
			switch wait := feedEvery - time.Since(last); {
			case due != nil:
			case wait <= 0:
				flush()
			default:
				due = time.After(wait)
			}
		case <-due:
			flush()
		case <-f.ctx.Done():
			return
		}
	}
}
