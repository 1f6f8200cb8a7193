package importer

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// composed is a process-compose.yaml that is read.
type composed struct {
	*importer
	file      *node
	root      *child
	vars      map[string]string
	dotenv    map[string]string // of the .env beside the file
	verbatim  bool              // variables are not expanded
	shell     []string          // that was asked for, with the argument before a line; nil: bash
	processes []*process
}

// projectLost says of keys of the project why they have no counterpart.
var projectLost = map[string]string{
	"log_level": "give `coppice run --log-level`", "log_length": "coppice keeps the last 10 lines of each incarnation; see the key tail", "log_format": "give `coppice run --log-format`",
	"log_configuration": "give log: {max_size: …, keep: …} to the processes", "extends": "import that file as well, and put its children into this one",
	"env_cmds":   "set the variables where coppice is started, or in an env_file",
	"mcp_server": "coppice does not speak that protocol", "theme": "there is nothing to be coloured",
}

// compose reads a process-compose.yaml. The name of the project is the tree's unless
// one was given.
func (im *importer) compose(root *child, data []byte, named bool) {
	file := im.object(im.yaml(data), "the file")
	if file == nil {
		return
	}
	p := &composed{importer: im, file: file, root: root, vars: im.scalars(file.get("vars"), "vars")}
	if name, ok := im.str(file.get("name"), "name"); ok && !named {
		root.id = asID(name)
	}
	p.verbatim, _ = im.flag(file.get("disable_env_expansion"), "disable_env_expansion")
	if n := im.object(file.get("shell"), "shell"); n != nil {
		command, _ := im.str(n.get("shell_command"), "shell.shell_command")
		argument, _ := im.str(n.get("shell_argument"), "shell.shell_argument")
		if p.shell = []string{command, argument}; command == "" {
			p.problem(p.path, n.line, "shell has no shell_command")
		}
		p.others(root, n, "shell.", []string{"shell_command", "shell_argument"}, nil)
	}
	p.dotenv = im.envFile(root, filepath.Join(im.dir, ".env"), ".env", "process-compose reads it")
	p.environment(root, file.get("environment"))
	root.note("A process is killed 10s after it was told to stop, if there is no shutdown.timeout_seconds.")
	p.others(root, file, "", []string{"version", "name", "processes", "environment", "vars", "shell", "disable_env_expansion", "log_location", "ordered_shutdown", "is_tui_disabled", "is_strict"}, projectLost)
	list := im.object(file.get("processes"), "processes")
	if list == nil {
		return
	}
	for _, kv := range list.pairs {
		if n := im.object(kv.value, "processes."+kv.key); n != nil {
			p.processes = append(p.processes, &process{composed: p, child: &child{id: asID(kv.key)}, n: n, name: kv.key})
		}
	}
	for _, q := range p.processes {
		q.read()
		root.children = append(root.children, q.child)
	}
	root.rename() // so that needs have the right ids
	p.graph()
	if location, ok := im.str(file.get("log_location"), "log_location"); ok && location != "" {
		for _, q := range p.processes {
			if q.keys.get("log") == nil {
				q.child.set("log", flow{{"file", home(p.text(location, nil))}})
			}
		}
	}
}

// others says of all keys but those that are known that they were not carried over.
func (p *composed) others(c *child, n *node, prefix string, known []string, why map[string]string) {
	for _, kv := range n.pairs {
		switch {
		case slices.Contains(known, kv.key), strings.HasPrefix(kv.key, "x-"), kv.value.kind == null, kv.value.kind == boolean && kv.value.text == "false":
		default:
			c.lost(prefix+kv.key+": "+kv.value.shown(), cmp.Or(why[kv.key], "coppice does not know what it means"))
		}
	}
}

// environment is a list of KEY=VALUE, or a mapping.
func (p *composed) environment(c *child, n *node) {
	if n == nil {
		return
	}
	if n.kind == mapping {
		for _, kv := range n.pairs {
			if kv.key == "" || strings.Contains(kv.key, "=") || kv.value.kind >= list {
				p.problem(p.path, kv.line, "environment: expected KEY: VALUE, found %s: %s", kv.key, kv.value.shown())
				continue
			}
			c.setEnv(kv.key, p.text(kv.value.text, nil))
		}
		return
	}
	words, _ := p.texts(n, "environment")
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			p.problem(p.path, n.line, "environment: expected KEY=VALUE, found %s", short(w))
			continue
		}
		c.setEnv(name, p.text(value, nil))
	}
}

// process is one that is read.
type process struct {
	*composed
	*child
	n     *node
	name  string
	vars  map[string]string
	needs []need
}

type need struct {
	of, condition string
	line          int
}

// processKeys are the keys that are read.
var processKeys = []string{"command", "entrypoint", "working_dir", "environment", "env_file", "depends_on", "availability", "readiness_probe", "liveness_probe", "ready_log_line",
	"shutdown", "replicas", "disabled", "is_foreground", "namespace", "log_location", "log_configuration", "description", "vars", "is_daemon", "launch_timeout_seconds"}

// processLost says of keys why they have no counterpart.
var processLost = map[string]string{
	"is_tty": "a program gets pipes, and no terminal", "is_elevated": "run coppice as root, and give user to the others", "disable_ansi_colors": "output is logged as it is",
	"is_dotenv_disabled": "the env_file of the tree is for all children", "schedule": "coppice has no clock; have cron run `coppice restart`",
	"watch": "coppice restarts when a program ends, not when a file changes", "mcp": "coppice does not speak that protocol", "is_disabled": "coppice starts all children of a tree",
}

func (p *process) read() {
	p.vars = p.scalars(p.n.get("vars"), "vars")
	if about, ok := p.str(p.n.get("description"), "description"); ok {
		p.note("%s", p.filled(about, p.vars))
	}
	if p.child.id != p.name {
		p.note("Its name was %s.", p.name)
	}
	p.start()
	p.environment(p.child, p.n.get("environment"))
	p.envFiles()
	if n, ok := p.count(p.n.get("replicas"), "replicas"); ok && n > 1 {
		if n > maxCopies {
			p.problem(p.path, p.n.line, "replicas: %d are the most, found %d", maxCopies, n)
		}
		p.copies = n
		p.note("replicas: the copies find their numbers in COPPICE_COPY, from 1; with process-compose it is in PC_REPLICA_NUM, from 0.")
	}
	p.readNeeds()
	p.availability()
	p.probes()
	p.shutdown()
	p.log()
	if space, ok := p.str(p.n.get("namespace"), "namespace"); ok && space != "default" {
		p.lost("namespace: "+space, "a supervisor of its own would be the counterpart, but needs cannot reach out of it")
	}
	if daemon, _ := p.flag(p.n.get("is_daemon"), "is_daemon"); daemon {
		p.lost("is_daemon: true", "what a program leaves behind when it ends is killed; run it in the foreground, as in nginx -g 'daemon off;'")
	}
	if n := p.n.get("launch_timeout_seconds"); n != nil {
		p.lost("launch_timeout_seconds: "+n.shown(), "it is about is_daemon")
	}
	for _, key := range []string{"disabled", "is_foreground"} {
		if off, _ := p.flag(p.n.get(key), key); off {
			p.off = true
			p.lost(key+": true", "coppice starts all children of a tree")
		}
	}
	p.others(p.child, p.n, "", processKeys, processLost)
}

// start is the command, for a shell, or the entrypoint, without one.
func (p *process) start() {
	dir, _ := p.str(p.n.get("working_dir"), "working_dir")
	if dir = home(p.text(dir, p.vars)); dir != "" {
		p.set("dir", dir)
	}
	if words, ok := p.texts(p.n.get("entrypoint"), "entrypoint"); ok && len(words) > 0 {
		if words[0] == "" {
			p.problem(p.path, p.n.line, "the entrypoint of %s is empty", p.name)
		}
		for i := range words {
			words[i] = p.text(words[i], p.vars)
		}
		words[0] = program(dir, words[0])
		p.command = words
		return
	}
	line, ok := p.str(p.n.get("command"), "command")
	if line = strings.TrimSpace(p.filled(line, p.vars)); !ok || line == "" {
		p.problem(p.path, p.n.line, "the process %s has no command", p.name)
		return
	}
	if strings.Contains(line, "{{") {
		p.lost("command: "+line, "only templates of the form {{.NAME}} are filled in, from vars; the rest is there as it was")
	}
	p.composed.run(p.child, line, dir)
}

// run has a child run a line of the project's shell.
func (p *composed) run(c *child, line, dir string) {
	c.run(line, dir, true, p.dollars)
	if p.shell != nil && (c.shell != "" || slices.Equal(c.command[:1], []string{"bash"})) {
		c.shell, c.command = "", []string{p.shell[0], p.shell[1], p.dollars(line)}
	}
}

// argv is a line of the project's shell as a list.
func (p *composed) argv(line, dir string) []string {
	var c child
	p.run(&c, line, dir)
	if c.command != nil {
		return c.command
	}
	return []string{"sh", "-c", c.shell}
}

// envFiles are one, or a list.
func (p *process) envFiles() {
	n := p.n.get("env_file")
	if n == nil {
		return
	}
	if n.kind != list {
		n = &node{kind: list, items: []*node{n}, line: n.line}
	}
	files, _ := p.texts(n, "env_file")
	for _, f := range files {
		if _, err := p.accepted(flow{{"env_file", p.text(f, p.vars)}}); err != nil {
			p.lost("env_file: "+f, "it cannot be read, or has lines that are not KEY=VALUE; where it is there write env_file: "+scalar(p.text(f, p.vars)))
			return
		}
		have, _ := p.keys.get("env_file").([]string)
		p.set("env_file", append(have, p.text(f, p.vars)))
	}
}

// replica is the id of a copy whose number is from 0.
var replica = regexp.MustCompile(`^(.+)-([0-9]+)$`)

func (p *composed) find(name string) (*process, string) {
	for _, q := range p.processes {
		if q.name == name {
			return q, q.child.id
		}
	}
	if m := replica.FindStringSubmatch(name); m != nil {
		n, err := strconv.Atoi(m[2])
		if q, id := p.find(m[1]); err == nil && q != nil && n < q.copies {
			return q, fmt.Sprintf("%s-%d", id, n+1)
		}
	}
	return nil, ""
}
