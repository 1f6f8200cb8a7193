package vfork

// Limit is a struct rlimit64, getrlimit(2).
type Limit struct{ Soft, Hard uint64 }

// OpenFiles is the limit of open files with which this program was started.
// Package syscall raises the soft one to the hard one when it is initialised,
// and gives the first back to the children that it starts itself, for programs
// that use select(2) or close all descriptors that there could be. It keeps the
// number to itself, so that it must be read before: the language has packages
// initialised in the order of their import paths, those with nothing to wait for
// first.
var OpenFiles = func() (l Limit) {
	const nofile = 7
	prlimit(nofile, &l)
	return l
}()

//go:noescape
func prlimit(resource uintptr, limit *Limit) int64
