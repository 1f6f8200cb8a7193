package load

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/coppice-go/coppice/worker"
)

// program is one as the file has it; what is in its scope is added later.
type program struct {
	argv    []string
	shell   string
	copies  int // 0: it is not copied
	limits  limits
	ready   check
	alive   check
	nodeIPC bool
	log     worker.File
	tail    *int

	command worker.Command // what is stored there directly
}

const (
	maxCopies   = 10_000
	maxPrograms = 100_000 // bounds what copies can make of a small file
)

var exitCodes = lists(integers(0, 255), "a list of exit codes", 1)

var programKeys = append([]key[program]{
	field("command", argvs("write a list, as in [node, api.js], or use the key shell"), func(p *program) *[]string { return &p.argv },
		"the program and its arguments, without a shell; a name without a slash is looked up in PATH, one with a slash is relative to the directory of the file",
		alsoKnownAs("cmd", "exec", "script", "args", "entrypoint")),
	field("shell", texts("a command for the shell"), func(p *program) *string { return &p.shell },
		"a command line for /bin/sh -c; write `$$` where the shell is to see `$` before `{` or `$`"),
	field("copies", integers(1, maxCopies), func(p *program) *int { return &p.copies },
		"run it this many times, as ID-1, ID-2 and so on, each with its number in COPPICE_COPY", defaultTo("not copied"), alsoKnownAs("instances", "replicas", "numprocs", "scale")),
	field("inherit", enumOf(worker.InheritNone, nil),
		func(p *program) *worker.Inherit { return &p.command.Inherit },
		"what it gets of coppice's own environment; safe: PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_…, TZ, TMPDIR and TERM", defaultTo("all")),
	field("ready", object(&readySection), func(p *program) *check { return &p.ready },
		"when it counts as started", defaultTo("as soon as it runs"), alsoKnownAs("readiness", "readiness_probe", "wait_ready")),
	field("alive", object(&aliveSection), func(p *program) *check { return &p.alive },
		"how it is asked whether it is alive", defaultTo("it is not asked"), alsoKnownAs("liveness", "liveness_probe", "healthcheck", "health", "watchdog")),
	field("spawn_limit", as(durations(0), spawnLimit), func(p *program) *time.Duration { return &p.command.SpawnLimit },
		"how long a start is tried again while the machine lacks descriptors, processes or memory; 0s: once", defaultTo("30s")),
	field("success_codes", exitCodes, func(p *program) *[]int { return &p.command.SuccessCodes },
		"exit codes other than 0 that count as success", defaultTo("none"), alsoKnownAs("exitcodes")),
	field("fatal_codes", exitCodes, func(p *program) *[]int { return &p.command.FatalCodes },
		"exit codes that say that starting it again is pointless", defaultTo("none"), alsoKnownAs("stop_exit_codes")),
	field("fatal_ends_tree", booleans, func(p *program) *bool { return &p.command.FatalEndsTree },
		"a fatal code ends the whole tree, not only this child", defaultTo("false"), with("fatal_codes")),
	field("node_ipc", booleans, func(p *program) *bool { return &p.nodeIPC },
		"it gets the channel of Node's child_process.fork", defaultTo("false")),
	field("limits", object(&limitsSection), func(p *program) *limits { return &p.limits },
		"what it may use", alsoKnownAs("ulimits", "resources", "rlimits")),
	field("log", object(&logSection), func(p *program) *worker.File { return &p.log },
		"a file for its output", defaultTo("coppice's log"), alsoKnownAs("log_file", "logfile", "stdout_logfile", "log_location")),
	field("max_line", as(sizes(1), func(v int64) int { return int(min(v, math.MaxInt32)) }), func(p *program) *int { return &p.command.MaxLine },
		"a longer line of output is cut", defaultTo("64KiB")),
	field("tail", as(integers(0, 100_000), pointer[int]), func(p *program) **int { return &p.tail },
		"how many of its last lines are kept, to be told when it has died", defaultTo("10")),
}, lift(identityKeys, func(p *program) *worker.Identity { return &p.command.Identity })...)

// spawnLimit says "one attempt" in Go, where 0 is the default.
func spawnLimit(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// checkProgram is about the keys of a program that do not go together.
func (d *decoder) checkProgram(c *child) {
	p := c.program
	if d.programs += max(1, p.copies); d.programs > maxPrograms {
		d.problem(c.node.at("copies"), "", "with its copies the tree has more than %d programs", maxPrograms)
		p.copies = 0
	}
	if user := p.command.Identity.User; user != "" {
		d.checkUser(c.node, user)
	}
	if !p.nodeIPC {
		const hint, message = "give the program node_ipc: true", "this needs Node's channel"
		if p.ready.node {
			d.problem(c.node.find("ready").value.at("node"), hint, message)
		}
		if c.stop.message {
			d.problem(c.node.find("stop").value.at("message"), hint, message)
		}
	}
	for i, code := range p.command.FatalCodes {
		if slices.Contains(p.command.SuccessCodes, code) {
			d.problem(c.node.find("fatal_codes").value.items[i].pos, "", "the exit code %d cannot be both success and fatal", code)
		}
	}
	if env := c.node.find("env"); env != nil && p.nodeIPC {
		for _, kv := range env.value.pairs {
			if strings.HasPrefix(kv.key, "NODE_CHANNEL_") {
				d.problem(kv.pos, "leave it out", "%s is set by coppice for a program with node_ipc", kv.key)
			}
		}
	}
}

// finish is the program as it is run in a place of the tree. What a caller may
// change of it is no one else's.
func (c *child) finish(in inherited) worker.Command {
	p := c.program
	cmd := p.command
	cmd.Dir, cmd.Env = in.dir, slices.Clone(in.env)
	if p.shell != "" {
		cmd.Path, cmd.Args = "/bin/sh", []string{"-c", p.shell}
	} else if len(p.argv) > 0 {
		cmd.Path, cmd.Args = p.argv[0], slices.Clone(p.argv[1:])
	}
	cmd.Ready, cmd.ReadyLimit = p.ready.check(), p.ready.timeout
	cmd.Alive = p.alive.liveness()
	cmd.StopSignal, cmd.StopCommand, cmd.StopMessage, cmd.StopWait = c.stop.signal, c.stop.command, c.stop.message, c.stop.wait
	cmd.Identity.Rlimits = p.limits.rlimits
	cmd.Limits = p.limits.cgroup
	if p.nodeIPC {
		cmd.IPC = worker.NodeIPC
	}
	if p.log.Path != "" {
		log := p.log
		cmd.File = &log
	}
	if p.tail != nil {
		cmd.TailLines = *p.tail
		if *p.tail == 0 {
			cmd.TailLines = -1
		}
	}
	return cmd
}
