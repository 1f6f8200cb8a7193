// Package strategies is the decision-making of a supervisor, as values.
//
// A [Machine] is one supervisor's whole policy: which children start in which
// order, who is stopped and started again when one of them dies, when the
// supervisor gives up, what it reports. It is pure: an [Input] and the time go
// in, [Action]s come out. There is no clock, goroutine, I/O or logging here, so
// the same code runs live (package tree), is replayed against traces recorded
// from Erlang/OTP, and can be run ahead of time to see what would happen.
//
//	m, err := strategies.NewMachine(strategies.Config{
//		Strategy: strategies.RestForOne,
//		Children: []strategies.ChildSpec{{ID: "db"}, {ID: "api"}},
//	})
//	…
//	for _, a := range m.Step(now, strategies.Boot(strategies.Cascade{})) {
//		// the first action is: start db
//	}
//
// The semantics are those of OTP's supervisor; comments cite its rules by the
// numbers of [SEMANTICS.md] (A1 … L6). What this package does not do: it never
// starts, stops or waits for anything, and it knows no other supervisor than
// its own; a tree is machines whose runners feed each other.
//
// [SEMANTICS.md]: https://github.com/coppice-go/coppice/blob/main/testdata/otp/SEMANTICS.md
package strategies
