// Package control is the control socket of a running tree: an HTTP server on a
// unix socket that tells what is known of the tree and does what it is asked to.
// [Serve] begins it; package client is the other end; PROTOCOL.md describes
// what goes between them, version 1.
//
// Who may: the user whose tree it is, and root. The socket lies in a directory
// that only its owner can enter, and the peer's uid is checked as well.
//
// Nothing here decides what a stop or a restart means: that is for [Actions].
package control
