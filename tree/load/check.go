package load

import (
	"math"
	"time"

	"github.com/coppice-go/coppice/worker"
)

// check is ready or alive, as it is written. One of its ways is set.
type check struct {
	tcp          worker.TCP
	http         worker.HTTP
	exec         worker.Run
	log          worker.Line
	notify, node bool

	timeout  time.Duration
	every    time.Duration
	abort    time.Duration
	failures int
}

// check is nil if there is none.
func (c *check) check() worker.Check {
	switch {
	case c.tcp != "":
		return c.tcp
	case c.http.URL != "":
		return c.http
	case c.exec != nil:
		return c.exec
	case c.log != "":
		return c.log
	case c.notify:
		return worker.Notify{}
	case c.node:
		return worker.NodeReady{}
	}
	return nil
}

func (c *check) liveness() worker.Liveness {
	return worker.Liveness{Check: c.check(), Every: c.every, Timeout: c.timeout, Failures: c.failures, Abort: c.abort}
}

// asked are the ways of finding out that ready and alive share.
var asked = []key[check]{
	field("tcp", checked(texts("an address"), func(s string) error {
		return refused(worker.Command{Ready: worker.TCP(s)}, "Ready")
	}, ""), func(c *check) *string { return (*string)(&c.tcp) },
		"something accepts connections at this address, `host:port` or `unix:/path`"),
	field("http", checked(texts("a URL"), func(s string) error {
		return refused(worker.Command{Ready: worker.HTTP{URL: s}}, "Ready")
	}, ""), func(c *check) *string { return &c.http.URL },
		"a GET of this URL is answered with a good status; redirects are not followed", alsoKnownAs("url", "http_get")),
	field("status", oneOrMore(integers(200, 599)), func(c *check) *[]int { return &c.http.Status },
		"the statuses that are good", defaultTo("200 to 399"), with("http")),
	field("insecure", booleans, func(c *check) *bool { return &c.http.Insecure },
		"do not ask an https server for a certificate that can be trusted", defaultTo("false"), with("http")),
	field("exec", as(argvs("write a list, as in [pg_isready, -q]"), func(argv []string) worker.Run { return argv }), func(c *check) *worker.Run { return &c.exec },
		"this program exits with 0; it is run in the child's `dir` with its environment, and its pid in MAINPID", alsoKnownAs("command", "cmd")),
}

var readySection = section[check]{
	name: "ready", noun: "ready", choice: []string{"tcp", "http", "exec", "log", "notify", "node"},
	doc: "When a program counts as started: its next sibling is started then. Exactly one of `tcp`, `http`, `exec`, `log`, `notify` and `node`. " +
		"A program that is not ready in time has failed to start.",
	keys: append(asked[:len(asked):len(asked)],
		field("log", as(checked(texts("a regular expression"), func(s string) error {
			return refused(worker.Command{Ready: worker.Line(s)}, "Ready")
		}, "the syntax is that of Go (RE2): https://pkg.go.dev/regexp/syntax"), func(s string) worker.Line { return worker.Line(s) }),
			func(c *check) *worker.Line { return &c.log },
			"a line of its output matches this regular expression (syntax of Go)", alsoKnownAs("line", "output")),
		field("notify", onlyTrue, func(c *check) *bool { return &c.notify },
			"it says READY=1 itself, by sd_notify(3), on the socket that NOTIFY_SOCKET names", alsoKnownAs("sd_notify")),
		field("node", onlyTrue, func(c *check) *bool { return &c.node },
			"it says process.send('ready'); needs `node_ipc: true`"),
		field("timeout", durations(1), func(c *check) *time.Duration { return &c.timeout },
			"how long it may take", defaultTo("30s"), alsoKnownAs("limit", "within")),
	),
}

var aliveSection = section[check]{
	name: "alive", noun: "alive", choice: []string{"tcp", "http", "exec", "notify"},
	doc: "How a program is asked, again and again while it runs, whether it is alive. Exactly one of `tcp`, `http`, `exec` and `notify`. " +
		"One that is not is sent SIGABRT, then SIGKILL, and counts as crashed.",
	keys: append(asked[:len(asked):len(asked)],
		field("notify", onlyTrue, func(c *check) *bool { return &c.notify },
			"it sends WATCHDOG=1 by sd_notify(3), at least once in `every`, which it finds in WATCHDOG_USEC", alsoKnownAs("watchdog")),
		field("every", durations(1), func(c *check) *time.Duration { return &c.every },
			"time from one attempt to the next", defaultTo("10s"), alsoKnownAs("interval", "period")),
		field("timeout", durations(1), func(c *check) *time.Duration { return &c.timeout },
			"of an attempt", defaultTo("1s"), with("tcp", "http", "exec")),
		field("failures", integers(1, math.MaxInt32), func(c *check) *int { return &c.failures },
			"in a row that are too many", defaultTo("3"), with("tcp", "http", "exec"), alsoKnownAs("retries", "failure_threshold")),
		field("abort", durations(1), func(c *check) *time.Duration { return &c.abort },
			"time from SIGABRT to SIGKILL", defaultTo("5s")),
	),
}
