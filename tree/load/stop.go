package load

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// stop is how a child is stopped.
type stop struct {
	timeout tree.Shutdown
	signal  syscall.Signal
	command []string
	message bool
	wait    time.Duration
}

func stopTimeout(def string) key[stop] {
	limits := or(as(durations(0), tree.Timeout), []string{"infinity", "kill"}, tree.Infinity, tree.BrutalKill)
	return field("timeout", limits, func(s *stop) *tree.Shutdown { return &s.timeout },
		"how long it may take until it is killed; `infinity`: it is waited for; `kill`: it is killed at once", defaultTo(def), alsoKnownAs("grace", "grace_period", "limit"))
}

var stopSection = section[stop]{
	name: "stop", noun: "stop",
	doc: "How a program is stopped: by the message, by the command, then by the signal, and by SIGKILL when the timeout is over.",
	keys: []key[stop]{
		stopTimeout("5s"),
		field("signal", signals, func(s *stop) *syscall.Signal { return &s.signal },
			"asks it to stop; a name, with or without SIG, or a number", defaultTo("SIGTERM")),
		field("command", argvs("write a list, as in [nginx, -s, quit]"), func(s *stop) *[]string { return &s.command },
			"is run before the signal, in the child's `dir` with its environment, and its pid in MAINPID", alsoKnownAs("exec")),
		field("message", onlyTrue, func(s *stop) *bool { return &s.message },
			"the message \"shutdown\" is sent to Node before the signal; needs `node_ipc: true`"),
		field("wait", durations(1), func(s *stop) *time.Duration { return &s.wait },
			"how long command and message have to take effect, until the signal", defaultTo("1.6s"), with("command", "message")),
	},
}

var supervisorStopSection = section[stop]{
	name: "supervisor_stop", noun: "stop of a supervisor",
	doc:  "How long a nested supervisor may take to stop its children.",
	keys: []key[stop]{stopTimeout("infinity")},
}

var signals = value[syscall.Signal]{
	what: "signal", expected: "a signal, as in SIGINT, int or 2",
	schema: orVariable(anyOf(schema{"type": "string", "pattern": "^([sS][iI][gG])?[A-Za-z][A-Za-z0-9]*$"},
		schema{"type": "integer", "minimum": 1, "maximum": 64})),
	read: func(d *decoder, n *node, expected string) (syscall.Signal, bool) {
		s, ok := d.scalar(n, expected, text, number)
		if !ok {
			return 0, false
		}
		sig, err := signal(s, n.kind == number || n.expanded)
		if err != nil {
			names := signalNames()
			if !strings.HasPrefix(strings.ToUpper(s), "SIG") {
				s = "SIG" + s
			}
			d.problem(n.pos, didYouMean(strings.ToUpper(s), names), "expected %s, found %s", expected, n.describe())
			return 0, false
		}
		switch name := signalName(sig); {
		case name == "SIGKILL":
			d.problem(n.pos, "write timeout: kill, in place of the signal, if it is not to be asked", "SIGKILL does not ask a program to stop")
		case name == "SIGSTOP":
			d.problem(n.pos, "", "SIGSTOP halts a program, and does not end it")
		default:
			return sig, true
		}
		return 0, false
	},
}

func signal(s string, number bool) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil && number {
		if n < 1 || n > 64 {
			return 0, fmt.Errorf("signals are 1 to 64")
		}
		return syscall.Signal(n), nil
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if sig := signalNumber(name); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("there is no signal %s", name)
}

// signalNames are those of the machine.
func signalNames() []string {
	var names []string
	for i := range 65 {
		if name := signalName(syscall.Signal(i)); name != "" {
			names = append(names, name)
		}
	}
	return names
}
