package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

// Class is a row of the table of everything that can be made to go wrong.
type Class struct {
	Group   string // process, leaf, operator, machine, supervisor, schedule, child, code
	Name    string
	Takes   string // the argument, in a word; "" for none
	Default string // of the argument
	What    string // happens
	On      string // what it works on
	Needs   string // rights or circumstances; "" for none
	Use     string // how to come by it, where it is no fault of a plan

	arg argument
	on  func(Child) bool // whether it works on this; nil: it needs no child
	do  func(*run, context.Context, Planned, *check.Fault) (*lasting, error)
}

// lasting is a fault that goes on until it is lifted: when its time is over, or the
// tree is healed.
type lasting struct {
	over <-chan struct{} // closed when it is over by itself; nil: it is after the time it takes
	lift func(context.Context) error
}

// Classes returns the table, by group.
func Classes() []Class { return slices.Clone(classes) }

// classes is filled by init: what it refers to refers to it.
var classes []Class

func init() {
	classes = []Class{
		{Group: "process", Name: "kill", What: "SIGKILL", On: "a process", on: isProcess, do: (*run).kill},
		{Group: "process", Name: "signal", Takes: "NAME", Default: "TERM", What: "that signal", On: "a process", arg: signalArg, on: isProcess, do: (*run).signal},
		{Group: "process", Name: "hang", Takes: "TIME", Default: "2s", What: "SIGSTOP, and SIGCONT after TIME; a wrapped goroutine ignores its context for TIME", On: "a process, or a leaf wrapped by an Injector",
			Needs: "of a goroutine a TIME below its shutdown limit (5 s at least), or else the tree ends if it is told to stop", arg: durationArg, on: isProcessOrWrapped, do: (*run).hang},

		{Group: "leaf", Name: "exit", Takes: "CODE", Default: "1", What: "the service returns: nil for code 0, else an error", On: "a leaf wrapped by an Injector", arg: codeArg, on: isWrapped, do: (*run).inject},
		{Group: "leaf", Name: "error", Takes: "TEXT", Default: "injected", What: "the service returns an error", On: "a leaf wrapped by an Injector", arg: textArg, on: isWrapped, do: (*run).inject},
		{Group: "leaf", Name: "panic", Takes: "TEXT", Default: "injected", What: "the service panics", On: "a leaf wrapped by an Injector", arg: textArg, on: isWrapped, do: (*run).inject},
		{Group: "leaf", Name: "goexit", What: "the service ends by runtime.Goexit", On: "a leaf wrapped by an Injector", on: isWrapped, do: (*run).inject},
		{Group: "leaf", Name: "slow_start", Takes: "TIME", Default: "1s", What: "the service returns an error, and its next start takes TIME longer", On: "a leaf wrapped by an Injector", arg: durationArg, on: isWrapped, do: (*run).inject},
		{Group: "leaf", Name: "fail_start", Takes: "N", Default: "1", What: "the service returns an error, and its next N starts fail", On: "a leaf wrapped by an Injector", arg: countArg, on: isWrapped, do: (*run).inject},

		{Group: "operator", Name: "restart", What: "a restart by request", On: "any child of a supervisor that is not dynamic", on: isStatic, do: (*run).restart},
		{Group: "operator", Name: "stop", Takes: "TIME", Default: "1s", What: "a stop by request, and a start by request after TIME", On: "any child of a supervisor that is not dynamic", arg: durationArg, on: isStatic, do: (*run).stop},
		{Group: "operator", Name: "start", What: "a start by request, which is refused while the child runs", On: "any child of a supervisor that is not dynamic", on: isStatic, do: (*run).start},

		{Group: "machine", Name: "emfile", Takes: "TIME", Default: "2s", What: "the process that runs the tree gets no more descriptors (RLIMIT_NOFILE) for TIME", On: "the machine", Needs: "Linux; its user, or CAP_SYS_RESOURCE", arg: durationArg, do: (*run).emfile},
		{Group: "machine", Name: "nproc", Takes: "TIME", Default: "2s", What: "the process that runs the tree can make no more processes (RLIMIT_NPROC) for TIME", On: "the machine", Needs: "Linux; a tree in another process, not run as root, whom the limit does not bind (it may end: the Go runtime does not survive that it gets no thread)", arg: durationArg, do: (*run).nproc},
		{Group: "machine", Name: "enospc", What: "the disk is full", On: "the log of a child", Use: "give the child log: {file: /dev/full}"},
		{Group: "machine", Name: "oom", What: "the kernel ends a process for want of memory", On: "a child", Needs: "limits: {memory: …} takes a writable cgroup", Use: "run a child as `coppice misbehave oom --bytes 1GB`"},

		{Group: "supervisor", Name: "supervisor_kill", What: "SIGKILL of the process that runs the tree", On: "the process that runs the tree", Needs: "a tree that runs in another process", do: (*run).supervisorKill},
		{Group: "supervisor", Name: "supervisor_hang", Takes: "TIME", Default: "1s", What: "SIGSTOP of the process that runs the tree, SIGCONT after TIME", On: "the process that runs the tree", Needs: "a tree that runs in another process", arg: durationArg, do: (*run).supervisorHang},

		{Group: "schedule", Name: "swizzle", What: "a random subset is stopped one by one, and started again in another order", On: "children of supervisors that are not dynamic", Use: "a step of its own: {swizzle: {target: \"shop/pool/*\", over: 4s}}"},
		{Group: "schedule", Name: "storm", What: "faults at random moments, RATE a second", On: "whatever the fault works on", Use: "a step of its own: {storm: {target: \"shop/**\", over: 5s, rate: 10}}"},
		{Group: "schedule", Name: "race", What: "two things at once: " + strings.Join(raceNames(), ", "), On: "children of one supervisor", Use: "a step of its own: {race: two_crashes, at: 3s, target: \"shop/**\"}"},
	}
	for _, k := range [...]struct{ name, what, kind string }{
		{"never_ready", "a start that never comes to its end", "never-ready"},
		{"fails_first", "the first starts fail", "fail-first --file FILE --times 3"},
		{"flaps", "ends again and again, just under or over the period", "flap-under --for 5s` or `coppice misbehave flap-over --for 5s"},
		{"ignores_term", "does not stop when told", "ignore-term"},
		{"slow_stop", "stops late", "slow-stop --for 3s"},
		{"fails_stop", "exits with a code other than 0 when told to stop", "fail-stop --code 1"},
		{"escapes", "what it starts leaves its session, or its parent", "setsid`, `double-fork`, `comet` or `hold-pipe"},
		{"floods", "writes without end", "flood --bytes 0"},
		{"endless_line", "writes a line without end", "endless-line"},
		{"binary_output", "writes bytes that are no text", "binary"},
		{"closes_output", "closes its output", "close-output"},
		{"busy", "computes for ever", "busy"},
	} {
		classes = append(classes, Class{Group: "child", Name: k.name, What: k.what, On: "a child that runs coppice itself", Use: "run a child as `coppice misbehave " + k.kind + "`"})
	}
	classes = append(classes,
		Class{Group: "child", Name: "no_program", What: "the program is missing, not executable, or in a directory that is missing", On: "a child", Use: "name such a file as the command, and make or remove it while the tree runs"},
		Class{Group: "code", Name: "sink_panic", What: "a sink of events panics", On: "a tree in Go", Use: "give the Spec a Sink that panics: each time is logged, and the next event is given to it all the same"},
	)
}

// List writes the table for a reader.
func List() string {
	var b strings.Builder
	group := ""
	for _, c := range classes {
		if c.Group != group {
			if group != "" {
				b.WriteString("\n")
			}
			group = c.Group
			fmt.Fprintln(&b, strings.ToUpper(group))
		}
		name := c.Name
		if c.Takes != "" {
			name += "(" + c.Takes + "=" + c.Default + ")"
		}
		fmt.Fprintf(&b, "  %s\n", name)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, row := range [...][2]string{{"does", c.What}, {"on", c.On}, {"needs", c.Needs}, {"use", c.Use}} {
			if row[1] != "" {
				fmt.Fprintf(w, "      %s\t%s\n", row[0], row[1])
			}
		}
		_ = w.Flush() // to a strings.Builder
	}
	return b.String()
}

func isProcess(c Child) bool          { return c.Process }
func isWrapped(c Child) bool          { return c.Wrapped }
func isProcessOrWrapped(c Child) bool { return c.Process || c.Wrapped }
func isStatic(c Child) bool           { return !c.Dynamic && c.Parent != "" }
