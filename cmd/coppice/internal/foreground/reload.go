package foreground

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/cmd/coppice/internal/show"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/load"
)

// reload reads the file again and lets what is new in it hold, or says what that would
// do. A file that is wrong changes nothing.
func (r *runner) reload(ctx context.Context, plan bool) (control.Reload, error) {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	next, err := r.read(r.file)
	if err == nil && next.Name != r.file.Name {
		err = fmt.Errorf("%s: the tree is named %q now, and runs as %q: a name cannot change while it runs", next.Path, next.Name, r.file.Name)
	}
	if err != nil {
		if !plan {
			r.refuse(err)
		}
		return control.Reload{}, &control.Error{Code: control.BadFile, Message: err.Error()}
	}
	result := control.Reload{File: next.Path, DryRun: plan}
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
	r.systemd.reloading()
	defer r.systemd.reloaded()
	result.Changes, err = r.root.Reconfigure(ctx, next.Spec, renew...)
	if result.Failed = failures(err); err != nil && result.Failed == nil {
		return result, err
	}
	r.file = next
	r.allowChaos(next.Chaos)
	r.tellReload(result)
	return result, nil
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

func (r *runner) refuse(err error) {
	r.log.Error("reload: nothing was changed, the file is wrong:")
	for line := range strings.Lines(err.Error()) {
		r.log.Error("  " + strings.TrimRight(line, "\n"))
	}
}

func (r *runner) tellReload(result control.Reload) {
	r.log.Info("reload of " + show.ReloadSummary(result))
	for _, f := range result.Failed {
		r.log.Error("reload: " + f + "; it stays down until the next reload")
	}
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

// reloadAt reloads whenever that is asked for, until the tree has ended.
func (r *runner) reloadAt(asked <-chan struct{}) {
	for {
		select {
		case <-asked:
			if _, err := r.reload(r.stops.Order, false); err != nil {
				if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.BadFile { // which is told already
					r.log.Error("reload: " + err.Error())
				}
			}
		case <-r.ended:
			return
		}
	}
}
