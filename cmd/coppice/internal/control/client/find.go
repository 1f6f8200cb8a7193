package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/cmd/coppice/internal/control"
)

// ErrNone says that there is no running tree to talk to.
var ErrNone = errors.New("no tree is running; start one with `coppice run FILE`")

// NotRunningError says that no tree of this name runs. It is ErrNone.
type NotRunningError struct {
	Name    string
	Running []string // others that do
}

func (e *NotRunningError) Error() string {
	if len(e.Running) == 0 {
		return fmt.Sprintf("no tree named %q is running; start it with `coppice run FILE`", e.Name)
	}
	return fmt.Sprintf("no tree named %q is running; there is %s", e.Name, strings.Join(e.Running, ", "))
}

func (e *NotRunningError) Is(target error) bool { return target == ErrNone }

// SeveralError says that it is not clear which tree is meant.
type SeveralError struct{ Running []string }

func (e *SeveralError) Error() string {
	return fmt.Sprintf("%d trees are running, give --name: %s", len(e.Running), strings.Join(e.Running, ", "))
}

// Running is a tree that runs.
type Running struct {
	Name   string `json:"name"`
	Socket string `json:"socket"`
	PID    int    `json:"pid"` // of the process that runs it
}

// List returns the trees that run, by name. Sockets that are left of others are
// skipped. dir is control.DefaultDir() if empty.
func List(dir string) ([]Running, error) {
	names, err := control.Names(dir)
	if err != nil {
		return nil, err
	}
	var found []Running
	for _, name := range names {
		path, err := control.SocketPath(dir, name)
		if err != nil {
			return nil, err
		}
		conn, err := control.Connect(path)
		if control.Gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("tree %s: %w", name, err)
		}
		_, pid, err := control.Peer(conn)
		conn.Close()
		if err != nil {
			return nil, fmt.Errorf("tree %s: %w", name, err)
		}
		found = append(found, Running{Name: name, Socket: path, PID: pid})
	}
	return found, nil
}

// only returns the name of the tree that runs, if it is one.
func only(dir string) (string, error) {
	running, err := List(dir)
	switch {
	case err != nil:
		return "", err
	case len(running) == 0:
		return "", ErrNone
	case len(running) > 1:
		return "", &SeveralError{names(running)}
	}
	return running[0].Name, nil
}

func notRunning(dir, name string) error {
	running, err := List(dir)
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
