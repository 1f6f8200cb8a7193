package control

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"github.com/coppice-go/coppice/tree"
)

// actions carries out what is asked for at the socket, with the calls of the
// tree. Ctx ends with the server, not with the client that asked: a restart that
// has stopped its child shall start it again.
type actions struct {
	root *tree.Supervisor
	end  func() // begins the stop of the whole tree; nil: that is not possible
	file string // that the tree was loaded from, if it was
}

// at finds a child and the supervisor that it is a child of. Sup is nil for the
// root.
func (a actions) at(path string) (sup *tree.Supervisor, up, child tree.Status, err error) {
	child, ok := a.root.Find(path)
	if !ok {
		return nil, up, child, tree.ErrNotFound
	}
	above, _ := split(path)
	if above == "" {
		return nil, up, child, nil
	}
	up, _ = a.root.Find(above)
	if sup = a.root.Supervisor(above); sup == nil {
		err = &Error{
			Code: Conflict, Message: fmt.Sprintf("%s does not run, and so nothing below it can", above),
			Hint: "start " + above + ", which starts all that is below it",
		}
	}
	return sup, up, child, err
}

// ofRoot refuses what cannot be done to the whole tree.
func (a actions) ofRoot(do Action) error {
	hint := "stop it, and run the file again"
	switch {
	case do == Signal:
		hint = fmt.Sprint("name one of its processes, or send the signal to pid ", os.Getpid())
	case do == Stop:
		hint = fmt.Sprint("end its program, pid ", os.Getpid())
	case a.file == "":
		hint = "stop it, and start its program again"
	}
	return &Error{Code: Unsupported, Message: fmt.Sprintf("%v is not for the root of the tree", do), Hint: hint}
}

// start starts a child that does not run, and only that.
func (a actions) start(ctx context.Context, path string) (done Done, err error) {
	sup, up, child, err := a.at(path)
	switch {
	case err != nil:
		return done, err
	case sup == nil:
		return done, tree.ErrChildRunning
	}
	if done.Radius, err = radius(up, child, Start); err != nil {
		return done, err
	}
	ref, err := sup.RestartChild(ctx, child.ID)
	done.Incarnation = ref.Incarnation
	return done, err
}

// stop stops a child until somebody starts it; of the root, all.
func (a actions) stop(ctx context.Context, path string) (done Done, err error) {
	sup, up, child, err := a.at(path)
	switch {
	case err != nil:
		return done, err
	case sup == nil && a.end == nil:
		return done, a.ofRoot(Stop)
	}
	if done.Radius, err = radius(up, child, Stop); err != nil {
		return done, err
	}
	if sup == nil {
		a.end()
		return done, nil
	}
	return done, sup.TerminateChild(ctx, child.ID)
}

// restart stops a child with whatever shares its fate, and starts them again.
func (a actions) restart(ctx context.Context, path string) (done Done, err error) {
	sup, up, child, err := a.at(path)
	switch {
	case err != nil:
		return done, err
	case sup == nil:
		return done, a.ofRoot(Restart)
	}
	if done.Radius, err = radius(up, child, Restart); err != nil {
		return done, err
	}
	ref, err := sup.RenewChild(ctx, child.ID)
	done.Incarnation = ref.Incarnation
	return done, err
}

// signal sends a child's process a signal.
func (a actions) signal(path string, sig syscall.Signal) (done Done, err error) {
	child, ok := a.root.Find(path)
	switch {
	case !ok:
		return done, tree.ErrNotFound
	case path == a.root.Path():
		return done, a.ofRoot(Signal)
	}
	done.Incarnation = child.Incarnation
	return done, SendSignal(a.root, child, sig)
}

// plan says what an action would touch.
func (a actions) plan(do Action, path string) (r Radius, err error) {
	sup, up, child, err := a.at(path)
	switch {
	case err != nil:
		return r, err
	case do == Signal:
		return r, nil
	case sup == nil && (do != Stop || a.end == nil):
		return r, a.ofRoot(do)
	}
	return radius(up, child, do)
}
