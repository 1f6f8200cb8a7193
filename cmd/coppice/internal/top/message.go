package top

import (
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Msg is something that a Model is told.
type Msg interface{ msg() }

type (
	// Size is that of the terminal, in cells.
	Size struct{ Width, Height int }
	// Key is one that was pressed. Text is what it types, if it types anything.
	Key struct{ Name, Text string }
	// Tick is the time, now and then.
	Tick struct{ Now time.Time }
	// Batch is what happened since the last one, and what was written.
	Batch struct {
		Now    time.Time
		Events []tree.Event
		Lines  []Output
	}
	// Snapshot answers AskSnapshot.
	Snapshot struct {
		Snapshot tree.Snapshot
		Err      error
	}
	// Ended says that no events follow: the run has ended, or Err.
	Ended struct{ Err error }
	// LogEnded says that the output which OpenLog asked for cannot be had.
	LogEnded struct {
		Log int
		Err error
	}
	// Plan answers AskPlan.
	Plan struct {
		Do     control.Action
		Path   string
		Radius control.Radius
		Err    error
	}
	// Why answers AskWhy.
	Why struct {
		Report show.Report
		Err    error
	}
	// Done answers Act.
	Done struct {
		Order show.Order
		Done  control.Done
		Err   error
	}
	// Usage answers Sample.
	Usage struct {
		Now time.Time
		Of  map[int]Used // by pid
	}
	// settled says that the cursor was moved to a child a moment ago.
	settled struct{ path string }
)

func (Size) msg()     {}
func (Key) msg()      {}
func (Tick) msg()     {}
func (Batch) msg()    {}
func (Snapshot) msg() {}
func (Ended) msg()    {}
func (LogEnded) msg() {}
func (Plan) msg()     {}
func (Why) msg()      {}
func (Done) msg()     {}
func (Usage) msg()    {}
func (settled) msg()  {}

// Output is a line of the log that was opened under this number.
type Output struct {
	Log  int
	Line record.Line
}

// Used is what a process has used, and uses.
type Used struct {
	CPU time.Duration // since it was started
	RSS int64         // bytes
}

// Effect is something that a Model wants done. The answer is a Msg.
type Effect interface{ effect() }

type (
	// AskSnapshot asks for the state of the tree, because events were lost.
	AskSnapshot struct{}
	// AskPlan asks what an order would touch.
	AskPlan struct {
		Do   control.Action
		Path string
	}
	// AskWhy asks how a child ended.
	AskWhy struct{ Path string }
	// OpenLog asks for the output of a child, under a number, and no more for
	// that of the number before.
	OpenLog struct {
		Log      int
		Path     string
		Previous bool // of the incarnation before the latest
	}
	// Act carries out an order.
	Act struct{ Order show.Order }
	// Sample asks what processes use.
	Sample struct{ PIDs []int }
	// Later asks for the time, or to be told something, after a while.
	Later struct {
		After time.Duration
		Msg   Msg // nil: a Tick
	}
	// Quit ends the screen.
	Quit struct{}
)

func (AskSnapshot) effect() {}
func (AskPlan) effect()     {}
func (AskWhy) effect()      {}
func (OpenLog) effect()     {}
func (Act) effect()         {}
func (Sample) effect()      {}
func (Later) effect()       {}
func (Quit) effect()        {}
