package cgroup

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Parent is a cgroup below which this process may make others. Its methods may
// be called at the same time from many goroutines.
type Parent struct {
	dir string // of the parent itself, absolute
	run string // dir/coppice-..., which holds all groups of this process

	sweep       sync.Once     // before the first group, what dead processes left goes
	serial      atomic.Uint64 // of the last group's name
	controllers atomic.Bool   // groups may have some, to hand on to groups below them

	mu        sync.Mutex // guards what follows, and the making and removing of run
	groups    int        // how many need run to be there
	living    int        // of these, how many were made or taken, and not yet removed or retired
	retired   retired
	abandoned []*Group // not empty when they were last looked at

	clearing sync.Mutex // held while retired groups are removed; locked before all others
}

func newParent(dir string) (*Parent, error) {
	self, err := ownID()
	if err != nil {
		return nil, err
	}
	return &Parent{dir: dir, run: dir + "/" + self.String()}, nil
}

// String is the parent's directory.
func (p *Parent) String() string { return p.dir }

// New makes a group with the given limits, or takes one that was retired. The
// name is there for people to recognise it in systemd-cgls and ps; it need not
// be unique, and what does not suit a file name is replaced.
//
// An error of lacking resources (EMFILE, ENOMEM, EAGAIN for the limits
// cgroup.max.descendants and cgroup.max.depth) is in the chain of the error. After an
// error nothing is left. Otherwise the group stays until [Group.Remove] or [Group.Retire].
func (p *Parent) New(name string, l Limits) (*Group, error) {
	// That something could not be cleared is no reason not to make a group: it
	// may belong to another user.
	p.sweep.Do(func() { _ = p.ClearDead() })
	k := kind{sanitize(name), l}
	g := p.take(k)
	p.removeAbandoned()
	if g != nil {
		return g, nil
	}
	return p.make(k)
}

// removeAbandoned removes those of the abandoned groups that are empty by now.
func (p *Parent) removeAbandoned() {
	p.mu.Lock()
	list := p.abandoned
	p.abandoned = nil
	p.mu.Unlock()
	for _, g := range list {
		if g.Remove() != nil {
			g.Abandon()
		}
	}
}

// turns bounds how many groups are made or removed at once. The kernel does one
// thing at a time with cgroups, and whoever waits for it there takes a thread.
var turns = make(chan struct{}, 2)

func (p *Parent) make(k kind) (*Group, error) {
	turns <- struct{}{}
	defer func() { <-turns }()
	settings, err := k.limits.settings()
	if err != nil {
		return nil, err
	}
	if err := p.hold(); err != nil {
		return nil, err
	}
	g, err := p.makeHeld(k, settings)
	if err != nil {
		return nil, errors.Join(err, p.release())
	}
	return g, nil
}

// makeHeld makes a group while the run directory is certainly there.
func (p *Parent) makeHeld(k kind, settings []setting) (*Group, error) {
	if len(settings) > 0 {
		p.controllers.Store(true)
		for _, dir := range []string{p.dir, p.run} {
			if err := enable(dir, settings); err != nil {
				return nil, err
			}
		}
	}
	g := &Group{parent: p, kind: k, fd: -1}
	for {
		g.dir = p.run + "/" + k.name + "-" + strconv.FormatUint(p.serial.Add(1), 10)
		err := unix.Mkdir(g.dir, 0o755)
		if err == nil {
			break
		}
		// A process that has executed itself anew finds its earlier groups.
		if err != unix.EEXIST {
			return nil, errMkdir(g.dir, err)
		}
	}
	err := apply(g.dir, settings)
	if err == nil {
		err = g.open()
	}
	if err != nil {
		return nil, errors.Join(err, removeTree(g.dir))
	}
	return g, nil
}

// hold sees to it that the run directory is there until release.
func (p *Parent) hold() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.groups == 0 {
		switch err := unix.Mkdir(p.run, 0o755); err {
		case nil:
		case unix.EEXIST: // made by this process before it executed itself anew
			p.controllers.Store(true)
		default:
			return errMkdir(p.run, err)
		}
	}
	p.groups++
	p.living++
	return nil
}

// release undoes a hold.
func (p *Parent) release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.living--
	return p.drop()
}

// drop counts a group less. The last one removes the run directory. It is called
// with mu held.
func (p *Parent) drop() error {
	if p.groups--; p.groups > 0 {
		return nil
	}
	return p.removeRun()
}

func (p *Parent) removeRun() error {
	if err := unix.Rmdir(p.run); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove cgroup %s, which has no more groups of this process: %w", p.run, err)
	}
	return nil
}

func errMkdir(dir string, err error) error {
	why := ""
	switch err {
	case unix.EACCES, unix.EPERM:
		why = "it is not delegated to this user: run as root, or let systemd delegate a cgroup (" + delegateHint + ")"
	case unix.EROFS:
		why = "the cgroup file system is mounted read-only, as containers mostly have it: mount it writable"
	case unix.EAGAIN:
		why = "cgroup.max.descendants or cgroup.max.depth of a cgroup above is reached: raise it"
	case unix.ENOMEM:
		why = "the system has no memory for another cgroup"
	}
	if why == "" {
		return fmt.Errorf("make cgroup %s: %w", dir, err)
	}
	return fmt.Errorf("make cgroup %s: %s (%w)", dir, why, err)
}

const maxName = 64

// sanitize keeps what is harmless in a file name, a shell and a terminal. That
// the kernel has files of its own in the directory does no harm: none of their
// names ends in "-NUMBER".
func sanitize(name string) string {
	b := []byte(name[:min(len(name), maxName)])
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			b[i] = '_'
		}
	}
	if len(b) == 0 {
		return "child"
	}
	return string(b)
}
