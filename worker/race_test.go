//go:build race

package worker

// raced: the race detector takes ten times as long, for code that has one goroutine.
const raced = true
