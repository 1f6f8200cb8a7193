package foreground

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/coppice-go/coppice/cmd/coppice/internal/control"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// actions carries out what is asked for at the control socket.
type actions struct {
	root *tree.Supervisor
	end  func() // begins the stop of the whole tree
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
		err = &control.Error{
			Code: control.Conflict, Message: fmt.Sprintf("%s does not run, and so nothing below it can", above),
			Hint: "start " + above + ", which starts all that is below it",
		}
	}
	return sup, up, child, err
}

// ofRoot refuses what cannot be done to the whole tree.
func ofRoot(do control.Action) error {
	hint := "stop it, and run the file again"
	if do == control.Signal {
		hint = "name one of its processes, or send the signal to pid " + fmt.Sprint(os.Getpid())
	}
	return &control.Error{Code: control.Unsupported, Message: fmt.Sprintf("%v is not for the root of the tree", do), Hint: hint}
}

// Start starts a child that does not run, and only that.
func (a actions) Start(ctx context.Context, path string) (done control.Done, err error) {
	sup, up, child, err := a.at(path)
	switch {
	case err != nil:
		return done, err
	case sup == nil:
		return done, tree.ErrChildRunning
	}
	if done.Radius, err = radius(up, child, control.Start); err != nil {
		return done, err
	}
	ref, err := sup.RestartChild(ctx, child.ID)
	done.Incarnation = ref.Incarnation
	return done, err
}

// Stop stops a child until somebody starts it; of the root, all.
func (a actions) Stop(ctx context.Context, path string) (done control.Done, err error) {
	sup, up, child, err := a.at(path)
	if err != nil {
		return done, err
	}
	if done.Radius, err = radius(up, child, control.Stop); err != nil {
		return done, err
	}
	if sup == nil {
		a.end()
		return done, nil
	}
	return done, sup.TerminateChild(ctx, child.ID)
}

// Restart stops a child with whatever shares its fate, and starts them again.
func (a actions) Restart(ctx context.Context, path string) (done control.Done, err error) {
	sup, up, child, err := a.at(path)
	switch {
	case err != nil:
		return done, err
	case sup == nil:
		return done, ofRoot(control.Restart)
	}
	if done.Radius, err = radius(up, child, control.Restart); err != nil {
		return done, err
	}
	ref, err := sup.RenewChild(ctx, child.ID)
	done.Incarnation = ref.Incarnation
	return done, err
}

// Signal sends a child's process a signal.
func (a actions) Signal(_ context.Context, path string, sig syscall.Signal) (done control.Done, err error) {
	child, ok := a.root.Find(path)
	switch {
	case !ok:
		return done, tree.ErrNotFound
	case path == a.root.Path():
		return done, ofRoot(control.Signal)
	case child.Kind == strategies.Supervisor:
		return done, &control.Error{Code: control.Unsupported, Message: path + " is a supervisor, and no process", Hint: "name one of the processes below it"}
	case child.PID == 0:
		return done, &control.Error{Code: control.Conflict, Message: fmt.Sprintf("%s has no process: it is %v", path, child.State)}
	}
	done.Incarnation = child.Incarnation
	return done, a.send(child, sig)
}

// send sends the signal to that incarnation, or to nobody: the number of its
// process may be another's by now.
func (a actions) send(child tree.Status, sig syscall.Signal) error {
	err := sendTo(child.PID, sig, func() bool {
		now, ok := a.root.Find(child.Path)
		return ok && now.PID == child.PID && now.Incarnation == child.Incarnation
	})
	if errors.Is(err, errGone) || errors.Is(err, syscall.ESRCH) {
		return &control.Error{Code: control.Conflict, Message: fmt.Sprintf("%s has just ended: pid %d is no more", child.Path, child.PID)}
	}
	return err
}

// Plan says what an action would touch.
func (a actions) Plan(_ context.Context, do control.Action, path string) (r control.Radius, err error) {
	sup, up, child, err := a.at(path)
	switch {
	case err != nil:
		return r, err
	case do == control.Signal:
		return r, nil
	case sup == nil && do != control.Stop:
		return r, ofRoot(do)
	}
	return radius(up, child, do)
}
