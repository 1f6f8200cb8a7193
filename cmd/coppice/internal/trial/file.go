package trial

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/load"
)

// OnFile carries out a plan on the tree of a file, which runs in this process: it
// is started before, and stopped after. path is that of the tree's file.
func OnFile(ctx context.Context, path string, p *chaos.Plan, o chaos.Options) (*chaos.Journal, error) {
	file, err := load.Read(path, load.Options{})
	if err != nil {
		return nil, err
	}
	root, err := tree.New(file.Name, file.Spec)
	if err != nil {
		return nil, err
	}
	// The tree outlives ctx: it is healed and stopped in order even so.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 1)
	up := make(chan error, 1)
	go func() {
		err := root.Init(serving)
		up <- err
		if err == nil {
			err = root.Serve(serving)
		}
		served <- err
	}()
	select {
	case err := <-up:
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", path, err)
		}
	case <-ctx.Done():
		stop()
		<-served
		return nil, ctx.Err()
	}
	o.Stop = stop
	j, err := chaos.Run(ctx, chaos.Local(root), p, o)
	stop()
	<-served
	return j, err
}

// TreeOf is the file of the tree that a plan is for: the one given, or that which
// the plan names, relative to the plan. It is empty if there is neither.
func TreeOf(plan, named, given string) string {
	switch {
	case given != "":
		return given
	case named == "" || filepath.IsAbs(named):
		return named
	}
	return filepath.Join(filepath.Dir(plan), named)
}

// Children are those of a file's tree, as a plan wants to know them.
func Children(path string) ([]chaos.Child, error) {
	file, err := load.Read(path, load.Options{})
	if err != nil {
		return nil, err
	}
	root, err := tree.New(file.Name, file.Spec)
	if err != nil {
		return nil, err
	}
	all := chaos.Children(root.Snapshot(), nil)
	for i := range all {
		_, all[i].Process = file.Commands[all[i].Path] // which does not run yet
	}
	return all, nil
}
