package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/tree/control/internal/place"
)

// ErrNoTree says that there is no running tree to talk to.
var ErrNoTree = errors.New("no tree is running; start one with `coppice run FILE`")

// NotRunningError says that no tree of this name runs. It is ErrNoTree to errors.Is.
type NotRunningError struct {
	Name    string
	Running []string // names of others that do, sorted; nil if it has just gone
}

func (e *NotRunningError) Error() string {
	if len(e.Running) == 0 {
		return fmt.Sprintf("no tree named %q is running; start it with `coppice run FILE`", e.Name)
	}
	return fmt.Sprintf("no tree named %q is running; there is %s", e.Name, strings.Join(e.Running, ", "))
}

// Is reports that it is ErrNoTree.
func (e *NotRunningError) Is(target error) bool { return target == ErrNoTree }

// SeveralError says that it is not clear which tree is meant.
type SeveralError struct {
	Running []string // names of those that run, sorted
}

func (e *SeveralError) Error() string {
	return fmt.Sprintf("%d trees are running, give --name: %s", len(e.Running), strings.Join(e.Running, ", "))
}

// Running is a tree that runs.
type Running struct {
	Name   string `json:"name"`
	Socket string `json:"socket"` // its path
	PID    int    `json:"pid"`    // of the process that runs it
}

// List returns the trees that run, by name. Sockets that are left of others are
// skipped. dir is as for [Dial].
func List(ctx context.Context, dir string) ([]Running, error) {
	names, err := place.Names(dir)
	if err != nil {
		return nil, err
	}
	var found []Running
	for _, name := range names {
		path, err := place.Socket(dir, name)
		if err != nil {
			return nil, err
		}
		conn, err := place.Connect(ctx, path)
		if place.Gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("tree %s: %w", name, err)
		}
		_, pid, err := place.Peer(conn)
		conn.Close()
		if err != nil {
			return nil, fmt.Errorf("tree %s: %w", name, err)
		}
		found = append(found, Running{Name: name, Socket: path, PID: pid})
	}
	return found, nil
}

// only returns the name of the tree that runs, if it is one.
func only(ctx context.Context, dir string) (string, error) {
	running, err := List(ctx, dir)
	switch {
	case err != nil:
		return "", err
	case len(running) == 0:
		return "", ErrNoTree
	case len(running) > 1:
		return "", &SeveralError{Running: names(running)}
	}
	return running[0].Name, nil
}

func notRunning(ctx context.Context, dir, name string) error {
	running, err := List(ctx, dir)
	if err != nil {
		return err
	}
	return &NotRunningError{Name: name, Running: names(running)}
}

func names(running []Running) []string {
	var all []string
	for _, r := range running {
		all = append(all, r.Name)
	}
	return all
}
