package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos/check"
)

// What the faults do. Each notes in its check.Fault whom it hits, and when.

// open opens the process of a child: of the incarnation that runs now, or of
// nobody.
func (r *run) open(ctx context.Context, path string, f *check.Fault) (*handle, error) {
	st, err := r.status(ctx, path)
	if err != nil {
		return nil, err
	}
	if st.PID <= 1 {
		return nil, fmt.Errorf("no process runs there now: it is %v", st.State)
	}
	if st.PID == os.Getpid() {
		return nil, errors.New("that is the process of this run")
	}
	h, err := openProcess(st.PID, func() (bool, error) {
		now, err := r.status(ctx, path)
		return err == nil && now.PID == st.PID && now.Incarnation == st.Incarnation, err
	})
	if err == nil {
		f.PID, f.Incarnation, f.Time = st.PID, st.Incarnation, time.Now()
	}
	return h, err
}

func (r *run) status(ctx context.Context, path string) (*tree.Status, error) {
	snapshot, err := r.subject.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	st := find(&snapshot.Root, path)
	if st == nil {
		return nil, errors.New("there is no such child now")
	}
	return st, nil
}

func (r *run) send(ctx context.Context, path string, sig syscall.Signal, f *check.Fault) error {
	h, err := r.open(ctx, path, f)
	if err != nil {
		return err
	}
	defer h.close()
	return h.send(sig)
}

func (r *run) kill(ctx context.Context, p Planned, f *check.Fault) (*lasting, error) {
	return nil, r.send(ctx, p.Path, syscall.SIGKILL, f)
}

func (r *run) signal(ctx context.Context, p Planned, f *check.Fault) (*lasting, error) {
	sig, _ := signalNumber(p.Fault.Arg) // ParseFault has seen it
	return nil, r.send(ctx, p.Path, sig, f)
}

// hang stops a process, or else makes a wrapped leaf deaf. The handle is kept, so
// that the process which goes on is the one that was stopped.
func (r *run) hang(ctx context.Context, p Planned, f *check.Fault) (*lasting, error) {
	h, err := r.open(ctx, p.Path, f)
	if err != nil {
		if r.Injector.knows(p.Path) {
			return r.deafen(ctx, p, f)
		}
		return nil, err
	}
	if err := h.send(sigStop); err != nil {
		h.close()
		return nil, err
	}
	return &lasting{lift: func(context.Context) error { return resume(h) }}, nil
}

// resume lets a process go on, if it is still there.
func resume(h *handle) error {
	defer h.close()
	if err := h.send(sigCont); err != nil && !errors.Is(err, errGone) {
		return err
	}
	return nil
}

func (r *run) deafen(ctx context.Context, p Planned, f *check.Fault) (*lasting, error) {
	deaf, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.Time = time.Now()
	n, err := r.Injector.inject(deaf, p.Path, p.Fault)
	if err != nil {
		cancel()
		return nil, err
	}
	f.Incarnation = n
	return &lasting{lift: func(context.Context) error {
		cancel()
		return nil
	}}, nil
}

// inject ends a leaf. If that is about its next starts the fault lasts until they
// were made.
func (r *run) inject(ctx context.Context, p Planned, f *check.Fault) (*lasting, error) {
	f.Time = time.Now()
	n, err := r.Injector.inject(ctx, p.Path, p.Fault)
	f.Incarnation = n
	if over := r.Injector.pending(p.Path); err == nil && over != nil {
		return &lasting{over: over, lift: func(context.Context) error {
			r.Injector.lift(p.Path, over)
			return nil
		}}, nil
	}
	return nil, err
}

// asked takes down that somebody acts as an operator.
func (r *run) asked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = true
}

// carriedOut is nil if a request was carried out, whatever came of it.
func carriedOut(err error) error {
	if _, failed := errors.AsType[*tree.StartError](err); failed || errors.Is(err, tree.ErrCancelled) {
		return nil
	}
	return err
}

func (r *run) restart(ctx context.Context, p Planned, _ *check.Fault) (*lasting, error) {
	r.asked()
	return nil, carriedOut(r.subject.Restart(ctx, p.Path))
}

func (r *run) start(ctx context.Context, p Planned, _ *check.Fault) (*lasting, error) {
	r.asked()
	return nil, carriedOut(runsAlready(r.subject.Start(ctx, p.Path)))
}

func (r *run) stop(ctx context.Context, p Planned, _ *check.Fault) (*lasting, error) {
	r.asked()
	if err := r.subject.Stop(ctx, p.Path); err != nil {
		return nil, err
	}
	return &lasting{lift: func(ctx context.Context) error { return r.startAgain(ctx, p.Path) }}, nil
}

// runsAlready is nil if the child runs, or will soon.
func runsAlready(err error) error {
	if errors.Is(err, tree.ErrChildRunning) || errors.Is(err, tree.ErrRestarting) {
		return nil
	}
	return err
}

// startAgain brings back what was stopped by request. It need not if the tree has
// ended, or its supervisor has: that one begins anew with all of its children, and
// without those that were removed.
func (r *run) startAgain(ctx context.Context, path string) error {
	for {
		err := runsAlready(r.subject.Start(ctx, path))
		switch {
		case err == nil || r.watch.hasEnded(), errors.Is(err, tree.ErrNotRunning), errors.Is(err, tree.ErrNotFound):
			return nil
		}
		if snapshot, now := r.subject.Snapshot(ctx); now == nil && !isDown(&snapshot, path) {
			return nil
		}
		select { // it could not be started; the machine may lack something for a while
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

func (r *run) emfile(context.Context, Planned, *check.Fault) (*lasting, error) {
	return limited(starveFiles(r.subject.PID()))
}

func (r *run) nproc(context.Context, Planned, *check.Fault) (*lasting, error) {
	return limited(starveProcesses(r.subject.PID()))
}

func limited(lift func() error, err error) (*lasting, error) {
	if err != nil {
		return nil, err
	}
	return &lasting{lift: func(context.Context) error { return lift() }}, nil
}

// openSupervisor opens the process that runs the tree, if that is another one.
func (r *run) openSupervisor(ctx context.Context, f *check.Fault) (*handle, error) {
	pid := r.subject.PID()
	if pid <= 1 || pid == os.Getpid() {
		return nil, errors.New("the tree runs in the process of this run: run it in another one")
	}
	h, err := openProcess(pid, func() (bool, error) {
		_, err := r.subject.Snapshot(ctx) // it answers, so it is there
		return err == nil && r.subject.PID() == pid, err
	})
	if err == nil {
		f.PID, f.Time = pid, time.Now()
	}
	return h, err
}

func (r *run) supervisorKill(ctx context.Context, _ Planned, f *check.Fault) (*lasting, error) {
	h, err := r.openSupervisor(ctx, f)
	if err != nil {
		return nil, err
	}
	defer h.close()
	r.watch.expectEnd()
	return nil, h.send(syscall.SIGKILL)
}

func (r *run) supervisorHang(ctx context.Context, _ Planned, f *check.Fault) (*lasting, error) {
	h, err := r.openSupervisor(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := h.send(sigStop); err != nil {
		h.close()
		return nil, err
	}
	return &lasting{lift: func(context.Context) error { return resume(h) }}, nil
}
