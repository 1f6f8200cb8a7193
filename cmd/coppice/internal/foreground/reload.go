package foreground

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/load"
)

// reload reads the file again and lets what is new in it hold, or says what that would
// do. A file that is wrong changes nothing.
func (r *runner) reload(ctx context.Context, plan bool) (control.Reload, error) {
	select {
	case r.current <- struct{}{}:
		defer func() { <-r.current }()
	case <-ctx.Done():
		return control.Reload{}, ctx.Err()
	}
	if !plan {
		r.systemd.reloading()
		defer r.systemd.reloaded()
	}
	next, err := r.read(r.file)
	if err == nil && next.Name != r.file.Name {
		err = fmt.Errorf("%s: the tree is named %q now, and runs as %q: a name cannot change while it runs", next.Path, next.Name, r.file.Name)
	}
	if err != nil {
		return control.Reload{}, &control.Error{Code: control.BadFile, Message: err.Error()}
	}
	result := control.Reload{File: next.Path, DryRun: plan, Down: !r.isUp()}
	var renew []string
	for _, d := range load.Compare(r.file, next) {
		result.Differences = append(result.Differences, control.Difference(d))
		if d.Restart {
			renew = append(renew, d.Path)
		}
	}
	if plan {
		result.Changes, err = r.root.PlanReconfigure(next.Spec, renew...)
		return result, err
	}
	result.Changes, err = r.root.Reconfigure(ctx, next.Spec, renew...)
	if result.Failed = failures(err); err != nil && result.Failed == nil {
		return result, err
	}
	r.file = next
	if r.socket != nil {
		r.socket.AllowChaos(next.Chaos)
	}
	r.log.Info("reload of " + show.ReloadSummary(result))
	for _, f := range result.Failed {
		r.log.Error("reload: " + f + "; it stays down until the next reload")
	}
	return result, nil
}

// isUp reports whether the tree runs: between two attempts to start it it does not.
func (r *runner) isUp() bool {
	root, _ := r.root.Find(r.root.Path())
	return root.State != strategies.Down
}

// failures are the starts that failed; nil if it is another error.
func failures(err error) (all []string) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, err := range joined.Unwrap() {
		if _, ok := errors.AsType[*tree.StartError](err); ok {
			all = append(all, err.Error())
		}
	}
	return all
}

// onHangup lets SIGHUP, where somebody sends it, mean a reload.
func (r *runner) onHangup() <-chan struct{} {
	asked := make(chan struct{}, 1)
	r.stops.OnHangup(func() {
		select {
		case asked <- struct{}{}:
		default: // one that comes while another waits is the same
		}
	})
	return asked
}

// reloadAt reloads whenever that is asked for, until the tree is to stop or has ended.
func (r *runner) reloadAt(asked <-chan struct{}) {
	for {
		select {
		case <-asked:
			r.reloadNow()
		case <-r.stops.Order.Done():
			return
		case <-r.ended:
			return
		}
	}
}

// reloadNow reloads, and tells in the log if that cannot be done: nobody else hears it.
func (r *runner) reloadNow() {
	_, err := r.reload(r.stops.Order, false)
	bad, _ := errors.AsType[*control.Error](err)
	switch {
	case err == nil:
	case r.stops.Order.Err() != nil:
		r.log.Info("reload: given up, the tree stops")
	case bad != nil:
		r.log.Error("reload: nothing was changed, the file is wrong:")
		for line := range strings.Lines(bad.Message) {
			r.log.Error("  " + strings.TrimRight(line, "\n"))
		}
	default:
		r.log.Error("reload: " + err.Error())
	}
}
