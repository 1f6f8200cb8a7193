package worker

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/coppice-go/coppice/worker/internal/probe"
)

// Check is a way of finding out whether a program is ready, or alive. It is one
// of [Notify], [TCP], [HTTP], [Run], and for readiness alone [Line] and
// [NodeReady].
type Check interface{ check() }

// Notify is the protocol of sd_notify(3): the program says so itself, with
// READY=1 or WATCHDOG=1, on the socket that NOTIFY_SOCKET names. Each
// incarnation has a socket of its own. EXTEND_TIMEOUT_USEC puts off the end of
// ReadyLimit; STATUS is kept, see [Process.Status]; STOPPING=1 ends the
// watchdog; what else systemd understands is ignored.
type Notify struct{}

// TCP is good when something accepts connections at the address "host:port", or
// at the socket "unix:/path".
type TCP string

// HTTP is good when a GET of URL is answered with one of the Status codes; with
// any from 200 to 399 if there are none. Redirects are not followed.
type HTTP struct {
	URL      string
	Status   []int
	Insecure bool // do not ask an https server for a certificate one can trust
}

// Run is a command, argv without a shell, that is good when it exits with code
// 0. It is run in the program's directory, with its environment, and the pid in
// MAINPID; what is left of it when the time for an attempt is over is killed.
type Run []string

// Line is good when a line of the program's output matches the regular
// expression (syntax of package regexp).
type Line string

// NodeReady is good when the program says process.send('ready') on Node's
// channel: Command.IPC must be NodeIPC.
type NodeReady struct{}

func (Notify) check()    {}
func (TCP) check()       {}
func (HTTP) check()      {}
func (Run) check()       {}
func (Line) check()      {}
func (NodeReady) check() {}

// Liveness says how a program is asked whether it is alive. One that is not is
// sent SIGABRT, so that it may leave a core dump, and SIGKILL if that does not
// end it in time. Its [ExitError] has the reason in Missed, and counts as a
// crash. Nothing is asked before the program is ready, nor once it was told to
// stop.
type Liveness struct {
	Check Check // nil: nothing is asked

	// Every is the time from one attempt to the next; 10 s if zero. With
	// Notify it is the time within which a WATCHDOG=1 must come, which the
	// program finds in WATCHDOG_USEC; it is expected to send one at half of
	// that.
	Every time.Duration

	Timeout  time.Duration // of an attempt; 1 s if zero
	Failures int           // in a row that are too many; 3 if zero. With Notify it is always 1
	Abort    time.Duration // from SIGABRT to SIGKILL; 5 s if zero
}

const (
	defaultReadyLimit = 30 * time.Second
	defaultEvery      = 10 * time.Second
	defaultTimeout    = time.Second
	defaultFailures   = 3
	defaultAbort      = 5 * time.Second
)

func (l Liveness) orDefault() Liveness {
	if l.Every == 0 {
		l.Every = defaultEvery
	}
	if l.Timeout == 0 {
		l.Timeout = defaultTimeout
	}
	if l.Failures == 0 {
		l.Failures = defaultFailures
	}
	if l.Abort == 0 {
		l.Abort = defaultAbort
	}
	return l
}

func (l Liveness) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, v := range []struct {
		name string
		d    time.Duration
	}{{"Every", l.Every}, {"Timeout", l.Timeout}, {"Abort", l.Abort}} {
		if v.d < 0 {
			bad("Alive.%s is %v: it must not be negative", v.name, v.d)
		}
	}
	if l.Failures < 0 {
		bad("Alive.Failures is %d: it must not be negative", l.Failures)
	}
	switch l.Check.(type) {
	case nil:
		if l != (Liveness{}) {
			bad("Alive has no Check: say what is asked")
		}
	case Line, NodeReady:
		bad("Alive.Check is a %T, which tells of a start only: use Notify, TCP, HTTP or Run", l.Check)
	}
	return errors.Join(errs...)
}

// prober checks a check, and makes an attempt out of one that is asked over the
// network.
func (c *Command) prober(name string, check Check) (probe.Check, error) {
	wrong := func(err error) error { return fmt.Errorf("%s: %w", name, err) }
	switch check := check.(type) {
	case TCP:
		p, err := probe.TCP(string(check))
		if err != nil {
			return nil, wrong(err)
		}
		return p, nil
	case HTTP:
		p, err := probe.HTTP(check.URL, probe.HTTPOptions{Status: check.Status, Insecure: check.Insecure})
		if err != nil {
			return nil, wrong(err)
		}
		return p, nil
	case Run:
		if len(check) == 0 || check[0] == "" {
			return nil, wrong(errors.New("the command is empty: name the program to run"))
		}
	case Line:
		if _, err := regexp.Compile(string(check)); err != nil {
			return nil, wrong(err)
		}
	case NodeReady:
		if c.IPC != NodeIPC {
			return nil, wrong(errors.New("this needs Node's channel: set IPC to NodeIPC"))
		}
	}
	return nil, nil
}

// check is an attempt at a check of this incarnation: the compiled one, or the
// command to be run. It is nil if the program speaks up itself.
func (p *Process) check(c Check, compiled probe.Check) probe.Check {
	if argv, ok := c.(Run); ok {
		return p.run(argv)
	}
	return compiled
}
