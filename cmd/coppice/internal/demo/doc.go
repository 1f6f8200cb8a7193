// Package demo shows with real processes what a supervision tree does when its
// children die.
//
// A [Scene] is a small tree, a script of crashes, and what must follow from
// each: who is stopped and started in which order, who is left alone, how many
// restarts remain. [Play] runs one: it crashes children from outside, waits by
// the events of the tree until all is ready again, and holds what happened
// against what the scene says. A [View] shows it; there is one for terminals,
// one for pipes and one for programs. Views know events and snapshots only.
//
// The children are this program itself, run with other arguments; see
// [ChildMain].
package demo
