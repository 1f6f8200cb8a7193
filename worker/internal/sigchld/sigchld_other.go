//go:build !linux

package sigchld

// Unhandle does nothing: children are not supervised here.
func Unhandle() {}
