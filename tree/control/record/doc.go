// Package record remembers what a running tree has done, beyond the state that a
// snapshot shows: the last lines of output of every child, the last events of
// the tree, and of every child how it ended the last times and what followed
// from that. All of it is bounded; see [Limits].
//
//	book := record.New(record.Limits{})
//	book.Watch(root) // before root is served
//	defer book.Close()
//
// Events come from the tree by themselves; lines are given to the book by whoever
// reads them. For a process that is its worker.Command:
//
//	c.OnLine = func(l worker.OutputLine) {
//		book.Line(record.Line{Time: time.Now(), Path: "shop/db", Incarnation: l.Incarnation, PID: l.PID, Stream: l.Stream, Text: l.Text})
//	}
//
// Nothing is written to files, and nothing is decided here.
package record
