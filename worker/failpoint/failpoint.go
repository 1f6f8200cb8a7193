// Package failpoint makes package worker fail where the machine would make it
// fail, for tests of what happens then. A point that is not set costs one load of
// a pointer.
//
//	failpoint.Set(failpoint.Spawn, "2*error(EMFILE)->off")
//	defer failpoint.Clear(failpoint.Spawn)
//
// The next two programs are not started for want of descriptors, all after them
// are. A program of terms, each done so many times (N*), or by chance (P%), is
//
//	off                      nothing happens
//	error(EMFILE)            fails with this errno: a name, or a number
//	delay(50ms)              takes so much longer
//	panic(text)              panics
//
// joined by "->": when one has been done as often as it says, the next is; the
// last stays. Without N* or P% a term is done for ever; by chance a term decides
// anew each time, and if not it the next but for that time. In the environment
// variable COPPICE_FAILPOINTS points are set from the start:
//
//	COPPICE_FAILPOINTS='spawn=1%error(EAGAIN)->off; log_write=3*error(ENOSPC)'
//
// The grammar is that of FreeBSD's fail(9), in part.
package failpoint

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
)

// Env names the environment variable that sets points when the program starts.
const Env = "COPPICE_FAILPOINTS"

// Point is a place that can be made to fail.
type Point struct {
	name    string
	program atomic.Pointer[program]
}

// The points there are.
var (
	Spawn    = &Point{name: "spawn"}     // before anything is made for a start: descriptors, pipes, cgroup
	Exec     = &Point{name: "exec"}      // the start itself, execve(2)
	LogWrite = &Point{name: "log_write"} // a write to a program's log file
)

var points = map[string]*Point{Spawn.name: Spawn, Exec.name: Exec, LogWrite.name: LogWrite}

func init() {
	if err := setAll(os.Getenv(Env)); err != nil {
		// A test that believes something to fail that does not would prove nothing.
		fmt.Fprintf(os.Stderr, "%s: %v\n", Env, err)
		os.Exit(2)
	}
}

func setAll(list string) error {
	var errs []error
	for text := range strings.SplitSeq(list, ";") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		name, program, _ := strings.Cut(text, "=")
		p := points[strings.TrimSpace(name)]
		if p == nil {
			errs = append(errs, fmt.Errorf("there is no point %q; the points are %s", name, strings.Join(Names(), ", ")))
			continue
		}
		errs = append(errs, Set(p, program))
	}
	return errors.Join(errs...)
}

// Names lists the points.
func Names() []string { return slices.Sorted(maps.Keys(points)) }

// Find returns the point of that name; nil if there is none.
func Find(name string) *Point { return points[name] }

func (p *Point) String() string { return p.name }

// Set has a point do as a program says, from its beginning. The error says what
// is wrong with the program, and nothing is changed then. It is safe for
// concurrent use, as all here is.
func Set(p *Point, text string) error {
	prog, err := parse(text)
	if err != nil {
		return fmt.Errorf("failpoint %s: %w", p.name, err)
	}
	p.program.Store(prog)
	return nil
}

// Clear has the point do nothing any more.
func Clear(p *Point) { p.program.Store(nil) }

// Fail does what the point was set to: it returns an error of type syscall.Errno,
// takes its time, or panics. It returns nil for a point that is not set.
func (p *Point) Fail() error {
	prog := p.program.Load()
	if prog == nil {
		return nil
	}
	return prog.next().do()
}
