// Package control serves the control socket of a tree: HTTP at a unix socket that
// tells what is known of the tree and does what it is asked to. With it the
// commands of coppice that look at a running tree or steer it (ps, top, events,
// logs, why, wait, start, stop, restart, signal, and reload if [Config] has a Reload)
// work on a Go program of your own:
//
//	socket, err := control.Serve(control.Config{Root: root, Stop: cancel})
//	if err != nil { … } // errors.AsType[*control.RunningError]: the name is taken
//	defer socket.Close()
//	err = root.Serve(ctx)
//
// Package client is the other end, for programs that ask; the types of questions
// and answers are here. PROTOCOL.md describes what goes between them, version 1,
// for whoever speaks HTTP without Go. Package record keeps what is told of the past.
//
// The socket is NAME.sock in $XDG_RUNTIME_DIR/coppice, or else in coppice-UID in the
// directory for temporary files, or where [Config] says. Who may ask is the user
// whose tree it is, and root: the directory has mode 0700, the socket 0600, and the
// uid of the peer, as the kernel tells it, is checked as well. There is no other
// protection and no encryption. What that takes there is on Linux only; elsewhere
// Serve returns an error that wraps errors.ErrUnsupported.
//
// Nothing is decided here: what a restart takes with it is the strategy's affair,
// and orders are calls of the tree, which wait their turn.
package control
