// Package top is a live screen over a running tree, or over a recording of one:
// the tree with what each level has left of its restarts, whom the end of the
// child under the cursor takes with it, its output, and what happened, folded by
// cascade and by request. It sees snapshots and events and nothing else, and
// decides nothing.
//
// A [Model] is pure: messages go in, effects come out, and [Model.View] is a
// function of it; the time comes in messages. What touches the world is in
// run.go, live.go, feed.go, recording.go and usage_linux.go.
package top
