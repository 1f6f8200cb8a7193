package misbehave

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// kindOf describes a kind. takes are its options with their defaults, as on a
// command line; see required.
type kindOf struct {
	group, name, takes, what string
	run                      func(*Options) error // nil: see linuxOnly
}

// kinds is the table of everything that can go wrong.
var kinds = []kindOf{
	{"start", "slow", "--for 3s", "is ready only after --for, and says so (--ready is implied)", slow},
	{"start", "never-ready", "", "lives, and is never ready", (*Options).settleAndLinger},
	{"start", "fail-first", "--file FILE --times 1 --code 1", "fails the first --times starts, then lives; FILE grows by one byte at each start", failFirst},
	{"start", "flap-under", "--for 1s --code 1", "fails when a twentieth of --for is still to come", flapUnder},
	{"start", "flap-over", "--for 1s --code 1", "fails a twentieth of --for after it has passed", flapOver},

	{"stop", "ignore-term", "", "ignores SIGTERM, SIGINT and SIGHUP", ignoreTerm},
	{"stop", "slow-stop", "--for 3s", "dies of SIGTERM, but --for later", nil},
	{"stop", "late-exit", "--for 3s", "exits with 0, --for after SIGTERM", lateExit},
	{"stop", "fail-stop", "--code 1", "exits with --code on SIGTERM", failStop},
	{"stop", "second-term", "", "exits with 0, but only on the second SIGTERM", secondTerm},
	{"stop", "extend-stop", "--for 3s", "on SIGTERM asks for a second more twice a second (EXTEND_TIMEOUT_USEC), exits with 0 after --for", extendStop},

	{"exit", "exit", "--code 1 --for 0s", "exits with --code after --for", exitWith},
	{"exit", "signal", "--signal SIGKILL --for 0s", "dies of --signal after --for", nil},
	{"exit", "core", "--signal SIGABRT --for 0s", "the same with a core dump (a small one, where core_pattern says)", nil},
	{"exit", "panic", "--for 0s", "panics, as a Go program does, after --for", panics},
	{"exit", "oom", "--bytes 1GB --rate 0", "takes --bytes of memory, and first of all offers itself to the OOM killer", outOfMemory},
	{"exit", "busy", "", "computes for ever", busy},
	{"exit", "stop-self", "", "sends itself SIGSTOP", nil},
	{"exit", "sleep", "", "does nothing", (*Options).settleAndLinger},

	{"output", "flood", "--bytes 100MB --line 100 --rate 0 --code 0", "writes numbered lines of --line bytes, --bytes in all (0: without end), then exits", flood},
	{"output", "endless-line", "--bytes 50MB --rate 0 --code 0", "writes one line without an end, then exits", endlessLine},
	{"output", "binary", "--bytes 1MB --rate 0 --code 0", "writes bytes of all values, NUL too, always the same, then exits", binary},
	{"output", "invalid-utf8", "--code 0", "writes lines that are no UTF-8, then exits", invalidUTF8},
	{"output", "escapes", "--code 0", "writes lines that talk to the reader's terminal, then exits", escapes},
	{"output", "json", "--code 0", "writes a line in the style of each well-known JSON logger, and some broken ones, then exits", jsonLines},
	{"output", "half-line", "--code 1", "writes a line without its end and exits", halfLine},
	{"output", "close-output", "", "closes stdout and stderr, and lives", closeOutput},

	{"escape", "forks", "--n 50", "makes processes that ignore SIGTERM", nil},
	{"escape", "own-group", "--n 1", "the same, each in a process group of its own", nil},
	{"escape", "setsid", "--n 1", "the same, each in a session of its own", nil},
	{"escape", "double-fork", "--n 1", "the same, in a session whose leader is gone, as daemons do", nil},
	{"escape", "leave", "--n 1 --code 0", "makes processes that ignore SIGTERM and exits", nil},
	{"escape", "hold-pipe", "--code 0", "exits; its child in another session keeps stdout and stderr open", nil},
	{"escape", "fork-storm", "--n 50 --for 1s", "its forks fork, which fork, over about --for, until there are --n", nil},
	{"escape", "comet", "--n 50 --for 1s", "a child in a session of its own forks into a new one and exits, --n times in about --for; the last stays", nil},

	{"notify", "watchdog-miss", "--for 3s", "READY=1, pings the watchdog for --for, and then no more", watchdogMiss},
	{"notify", "notify-garbage", "", "writes nonsense to NOTIFY_SOCKET, never READY=1 without --ready", nil},
	{"notify", "node-garbage", "", "writes nonsense to NODE_CHANNEL_FD, never a message \"ready\"", nodeGarbage},
}

// Table lists the kinds for a reader.
func Table() string {
	var sb strings.Builder
	w := tabwriter.NewWriter(&sb, 0, 0, 2, ' ', 0)
	group := ""
	for _, k := range kinds {
		if k.group != group {
			group = k.group
			fmt.Fprintf(w, "%s\n", strings.ToUpper(group))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", k.name, k.takes, k.what)
	}
	_ = w.Flush() // to a strings.Builder
	return sb.String()
}
