package worker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

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
	return parent.New(name, cgroup.Limits(cmd.Limits))
}
