package foreground

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-go/coppice/tree/control"
)

// reloads is a fragile tree with a file of its own, whose service manager listens.
type reloads struct {
	*runner
	out    *bytes.Buffer
	served chan error
	crash  chan error
	sent   []string
	cancel context.CancelFunc
}

func newReloads(t *testing.T) *reloads {
	t.Helper()
	x := &reloads{crash: make(chan error), served: make(chan error, 1)}
	x.runner, x.out, x.cancel = fragile(t, x.crash)
	x.cfg.File, x.current = filepath.Join(t.TempDir(), "t.yaml"), make(chan struct{}, 1)
	x.systemd.send = func(state string) { x.sent = append(x.sent, strings.SplitN(state, "\n", 2)[0]) }
	x.put(t, "name: t\nchildren: [{id: a, command: [sleep, '1000']}]\n")
	var err error
	if x.file, err = x.read(nil); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *reloads) put(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(x.cfg.File, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (x *reloads) serve() { go func() { x.served <- x.runner.serve() }(); synctest.Wait() }

func (x *reloads) heard(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(x.sent, want) {
		t.Errorf("the service manager heard %q, want %q", x.sent, want)
	}
	x.sent = nil
}

// A tree that waits to be started again takes what the file says now; the service
// manager is not told that it is ready before it ever was.
func TestReloadWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newReloads(t)
		x.serve()
		for range 2 {
			x.crash <- errors.New("boom")
			synctest.Wait()
		}
		time.Sleep(time.Second)
		x.put(t, "name: t\nstrategy: one_for_all\nchildren: []\n")
		if _, err := x.reload(t.Context(), false); err == nil {
			t.Error("a wrong file is taken")
		}
		x.put(t, "name: t\nstrategy: one_for_all\nchildren: [{id: a, command: [no-such-program]}]\n")
		for _, plan := range []bool{true, false} {
			if r, err := x.reload(t.Context(), plan); err != nil || !r.Down || r.Changes != nil || len(r.Differences) != 2 {
				t.Errorf("%+v, %v", r, err)
			}
		}
		x.heard(t)
		x.cancel()
		<-x.served
	})
}

// The service manager hears of each reload that is tried while the tree is up, of a
// file that is wrong too, and of none once it stops. At that time SIGHUP does nothing.
func TestReloadIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newReloads(t)
		x.serve()
		x.systemd.ready("up")
		x.heard(t, "READY=1")
		x.put(t, "children: 7\n")
		x.reloadNow()
		x.heard(t, "RELOADING=1", "READY=1")
		if !strings.Contains(x.out.String(), "-- reload: nothing was changed, the file is wrong:\n") || !strings.Contains(x.out.String(), "t.yaml:1:11: ") {
			t.Errorf("the log says\n%s", x.out)
		}
		if _, err := x.reload(t.Context(), true); err == nil {
			t.Error("a plan of a wrong file")
		}
		x.heard(t)
		x.systemd.stopping("")
		x.cancel()
		x.out.Reset()
		x.reloadNow()
		x.heard(t, "STOPPING=1")
		if got := x.out.String(); strings.Contains(got, "ERROR") || strings.Count(got, "reload") > 1 {
			t.Errorf("the log says\n%s", got)
		}
		<-x.served
	})
}

// Who asks while another reload is under way waits for that, but not for ever.
func TestReloadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newReloads(t)
		x.current <- struct{}{}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := x.reload(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		<-x.current
		x.put(t, "name: other\nchildren: [{id: a, command: [sleep, '1000']}]\n")
		_, err := x.reload(t.Context(), true)
		if bad, _ := errors.AsType[*control.Error](err); bad == nil || bad.Code != control.BadFile || !strings.Contains(bad.Message, `named "other" now, and runs as "t"`) {
			t.Errorf("%v", err)
		}
		x.cancel()
	})
}
