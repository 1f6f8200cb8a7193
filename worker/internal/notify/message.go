// Package notify is the receiving side of sd_notify(3): what a program says
// about itself, as newline-separated KEY=VALUE in a datagram to the socket that
// its NOTIFY_SOCKET names.
//
// Each incarnation of a program gets a [Socket] of its own, so that a message
// belongs to whom the socket was given, however short-lived its sender was.
// systemd with its one socket has to find that out from the sender's pid.
package notify

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxDatagram is the length of the longest message that is understood, in
	// bytes: that of systemd (PIPE_BUF).
	MaxDatagram = 4096

	// MaxStatus bounds Message.Status, in bytes.
	MaxStatus = 1 << 10
)

// Message is what one datagram says. What is not mentioned here is ignored:
// keys of one's own (X_…), keys of later systemds, and of those of systemd
// MAINPID, MAINPIDFD and MAINPIDFDID (the program is the process that was
// started, whatever it says), NOTIFYACCESS, FDSTORE and what belongs to it (no
// descriptors are kept), BUSERROR, VARLINKERROR, EXIT_STATUS, RESTART_RESET and
// MONOTONIC_USEC.
//
// Where zero is a value that can be sent, a nil pointer says that it was not.
// Of a key that occurs more than once the first value counts, as in systemd.
type Message struct {
	// PID is the sender's process id as the kernel vouches for it, not only
	// that of the program itself: any process that can reach the socket is
	// heard (NotifyAccess=all). 0 if the sender's pid namespace is not below
	// ours.
	PID int

	Ready     bool // READY=1: started, or done with reloading
	Reloading bool // RELOADING=1: READY=1 follows
	Stopping  bool // STOPPING=1: it ends; in systemd that takes precedence over Ready

	Watchdog bool // WATCHDOG=1: it is alive
	Trigger  bool // WATCHDOG=trigger: it asks to be treated as if it were not

	// Barrier is BARRIER=1: the sender waits until it knows that all of its
	// earlier messages were dealt with. It was told so when Receive returned.
	Barrier bool

	// Status is STATUS=, for a person: valid UTF-8 without control characters,
	// cut at MaxStatus. An empty one takes back the last.
	Status *string

	// Errno is ERRNO=, why it failed: 0 to 4095. 0 is none.
	Errno *int

	// ExtendTimeout is EXTEND_TIMEOUT_USEC=: the current deadline, for start
	// or stop, is put off until this long from now. 0: not asked for, which
	// is how systemd takes a 0 that was sent, too.
	ExtendTimeout time.Duration

	// WatchdogEvery is WATCHDOG_USEC=: from now on a WATCHDOG=1 is to come
	// within each of these intervals. 0 ends the watchdog; what is more than a
	// Duration can hold becomes the longest one.
	WatchdogEvery *time.Duration

	// Problems are what could not be used and why, for a warning in the log;
	// few, short, and harmless as Status is.
	Problems []string
}

// Parse understands a datagram. It has no error: what is wrong in a message is
// told in Problems and the rest is used, as systemd does it.
func Parse(datagram []byte) Message {
	var m Message
	if len(datagram) > MaxDatagram {
		m.problem("longer than %d bytes: the message is ignored", MaxDatagram)
		return m
	}
	datagram = bytes.TrimSuffix(datagram, []byte{0}) // a C string with its end
	if bytes.IndexByte(datagram, 0) >= 0 {
		m.problem("it contains a NUL byte: the message is ignored")
		return m
	}
	m.read(strings.FieldsFunc(string(datagram), func(r rune) bool { return r == '\n' || r == '\r' }))
	return m
}

func (m *Message) read(lines []string) {
	says := func(line string) bool { return slices.Contains(lines, line) }
	if says("BARRIER=1") {
		if m.Barrier = len(lines) == 1; !m.Barrier {
			m.problem("BARRIER=1 must be alone in its message: all of it is ignored, by systemd too; send it after the others")
		}
		return
	}
	m.Ready = says("READY=1")
	m.Reloading = says("RELOADING=1")
	m.Stopping = says("STOPPING=1")

	if v, ok := first(lines, "STATUS="); ok {
		status := harmless(v, MaxStatus)
		m.Status = &status
	}
	if v, ok := first(lines, "ERRNO="); ok {
		if n, err := strconv.ParseUint(v, 10, 32); err == nil && n <= maxErrno {
			errno := int(n)
			m.Errno = &errno
		} else {
			m.problem("ERRNO=%s: not a number from 0 to %d", harmless(v, maxQuoted), maxErrno)
		}
	}
	if v, ok := first(lines, "EXTEND_TIMEOUT_USEC="); ok {
		m.ExtendTimeout, _ = m.usec("EXTEND_TIMEOUT_USEC", v)
	}
	if v, ok := first(lines, "WATCHDOG="); ok {
		switch v {
		case "1":
			m.Watchdog = true
		case "trigger":
			m.Trigger = true
		default:
			m.problem(`WATCHDOG=%s: neither "1" nor "trigger"`, harmless(v, maxQuoted))
		}
	}
	if v, ok := first(lines, "WATCHDOG_USEC="); ok {
		if d, ok := m.usec("WATCHDOG_USEC", v); ok {
			m.WatchdogEvery = &d
		}
	}
}

const (
	maxErrno  = 4095 // MAX_ERRNO of the kernel
	maxQuoted = 64   // bytes of a wrong value in Problems
)

// first is systemd's strv_find_startswith.
func first(lines []string, prefix string) (string, bool) {
	for _, line := range lines {
		if v, ok := strings.CutPrefix(line, prefix); ok {
			return v, true
		}
	}
	return "", false
}

func (m *Message) usec(key, v string) (time.Duration, bool) {
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		m.problem("%s=%s: not a number of microseconds", key, harmless(v, maxQuoted))
		return 0, false
	}
	if n > math.MaxInt64/uint64(time.Microsecond) { // systemd's infinity is among them
		return math.MaxInt64, true
	}
	return time.Duration(n) * time.Microsecond, true
}

func (m *Message) problem(format string, args ...any) {
	m.Problems = append(m.Problems, fmt.Sprintf(format, args...))
}
