// Package trial runs chaos plans for the command line: on the tree of a file,
// which it starts and stops, or on one that runs, through its control socket.
package trial
