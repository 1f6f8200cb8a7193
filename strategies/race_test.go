//go:build race

package strategies

// raced: the race detector takes ten times as long, for code that has one goroutine.
const raced = true
