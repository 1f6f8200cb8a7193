package worker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/worker/internal/cgroup"
)

// findCgroup returns where cgroups can be made. It is a variable for tests that do
// without.
var findCgroup = cgroup.Find

func (l Limits) validate() error {
	if l == (Limits{}) {
		return nil
	}
	parent, err := findCgroup()
	if err == nil {
		err = parent.Check(cgroup.Limits(l))
	}
	if err != nil {
		return fmt.Errorf("Limits: %w", err)
	}
	return nil
}

// newGroup makes the cgroup of an incarnation; nil where there are none.
func newGroup(ctx context.Context, cmd *Command) (*cgroup.Group, error) {
	parent, err := findCgroup()
	switch {
	case errors.Is(err, errors.ErrUnsupported) && cmd.Limits == (Limits{}):
		return nil, nil
	case err != nil:
		return nil, err
	}
	name := filepath.Base(cmd.Path)
	if ref, ok := strategies.ChildFrom(ctx); ok {
		name = strings.ReplaceAll(ref.Path, "/", ".")
	}
	used.Store(parent)
	return parent.New(name, cgroup.Limits(cmd.Limits))
}

// used is where cgroups were made; nil if none were.
var used atomic.Pointer[cgroup.Parent]

// CloseIdle gives up what is kept for a second after the crash of a child, for
// its next incarnation: an empty cgroup. A program whose last child has crashed
// calls it before it ends, or leaves that to be cleared by the next program that
// makes cgroups in the same place. While other children live it does nothing. It
// may be called at any time.
func CloseIdle() {
	if parent := used.Load(); parent != nil {
		parent.Finish()
	}
}
