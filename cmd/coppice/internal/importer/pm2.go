package importer

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// pm2 reads an ecosystem file: an object with the list apps, or such a list.
func (im *importer) pm2(root *child, data []byte) {
	var file *node
	if jsonStart.Match(data) || strings.HasPrefix(path.Ext(im.path), ".json") {
		file = im.json(data)
	} else {
		file = im.yaml(data)
	}
	if file == nil {
		return
	}
	apps := file
	if file.kind == mapping && file.get("script") == nil {
		if apps = file.get("apps"); apps == nil {
			return // which is told
		}
		for _, p := range file.pairs {
			switch p.key {
			case "apps":
			case "deploy":
				root.lost("deploy", "coppice runs programs, and does not put them onto machines")
			default:
				root.lost(p.key+": "+p.value.shown(), "it is no key of an ecosystem file that has a counterpart")
			}
		}
	}
	if apps.kind == mapping {
		apps = &node{kind: list, items: []*node{apps}}
	}
	root.note("As with pm2 each program is stopped by SIGINT and killed after kill_timeout, 1.6s if that is not given. Log files have both streams, and are rotated at 10MiB; 5 are kept.")
	root.note("A program without max_restarts is restarted for ever, with pauses that grow from 100ms to 15s; pm2 leaves it down after 16 failures of less than 1s.")
	for _, app := range apps.items {
		if app = im.object(app, "apps"); app != nil {
			a := &pm2App{importer: im, child: &child{}, app: app}
			a.read()
			root.children = append(root.children, a.child)
		}
	}
}

// pm2App is one that is read.
type pm2App struct {
	*importer
	*child
	app *node
}

// pm2Keys are the keys of an app that are read together with others.
var pm2Keys = []string{"name", "script", "exec", "cmd", "command", "args", "cwd", "interpreter", "exec_interpreter", "interpreter_args", "interpreterArgs", "node_args",
	"env", "port", "instances", "exec_mode", "autorestart", "stop_exit_codes", "max_restarts", "min_uptime", "restart_delay", "exp_backoff_restart_delay",
	"kill_timeout", "shutdown_with_message", "wait_ready", "listen_timeout", "uid", "user", "gid", "filter_env",
	"out_file", "out", "output", "out_log", "error_file", "error", "err", "err_file", "err_log", "log_file", "log", "log_date_format", "time", "merge_logs", "combine_logs"}

// pm2Lost says of keys why they have no counterpart.
var pm2Lost = map[string]string{
	"watch":                      "coppice restarts when a program ends, not when a file changes",
	"ignore_watch":               "coppice does not watch files",
	"watch_delay":                "coppice does not watch files",
	"watch_options":              "coppice does not watch files",
	"cron_restart":               "coppice has no clock; have cron run `coppice restart`",
	"cron":                       "coppice has no clock; have cron run `coppice restart`",
	"max_memory_restart":         "coppice restarts nothing because of its size; limits: {memory: …} has the kernel kill what is larger, which is a crash, and restarted",
	"namespace":                  "a supervisor of its own would be the counterpart",
	"pid_file":                   "`coppice ps --output json` tells the pids",
	"pid":                        "`coppice ps --output json` tells the pids",
	"source_map_support":         "give node --enable-source-maps",
	"disable_source_map_support": "coppice adds nothing to a program",
	"vizion":                     "coppice does not look at version control",
	"pmx":                        "coppice adds nothing to a program",
	"automation":                 "coppice adds nothing to a program",
	"treekill":                   "coppice leaves nothing of a program behind, whatever it has started",
	"force":                      "coppice starts each child once",
	"disable_logs":               "the output goes to the log of coppice",
	"log_type":                   "`coppice run --log-format json` is for the whole log",
	"append_env_to_name":         "write the id you want",
	"name_prefix":                "write the id you want",
	"kill_retry_time":            "coppice waits for the end of a program, and does not ask again and again",
	"increment_var":              "a copy finds its number in COPPICE_COPY, from 1",
	"instance_var":               "a copy finds its number in COPPICE_COPY, from 1",
	"windowsHide":                "there are no windows to hide",
	"post_update":                "coppice runs programs, and does not update them",
}

// pm2Defaults are values that change nothing.
var pm2Defaults = map[string]string{"watch": "false", "autorestart": "true", "treekill": "true", "vizion": "true", "pmx": "true", "automation": "true", "force": "false",
	"disable_logs": "false", "append_env_to_name": "false", "source_map_support": "false", "disable_source_map_support": "true", "windowsHide": "true", "namespace": "default"}

func (a *pm2App) read() {
	a.names()
	a.program()
	a.environment()
	a.copiesOf()
	a.restarts()
	a.stopping()
	a.readiness()
	a.output()
	a.identity()
	for _, p := range a.app.pairs {
		why, known := pm2Lost[p.key]
		switch {
		case slices.Contains(pm2Keys, p.key), p.value.kind == null:
		case pm2Defaults[p.key] != "" && p.value.text == pm2Defaults[p.key]:
		case known:
			a.lost(p.key+": "+p.value.shown(), why)
		case strings.HasPrefix(p.key, "env_"):
			a.lost(p.key+": "+p.value.shown(), "this is for pm2 --env "+strings.TrimPrefix(p.key, "env_")+"; put into env what is to hold")
		default:
			a.lost(p.key+": "+p.value.shown(), "coppice does not know what it means")
		}
	}
}

func (a *pm2App) names() {
	name, ok := a.str(a.app.get("name"), "name")
	if !ok {
		script, _ := a.str(a.app.get("script", "exec", "cmd", "command"), "script")
		name = strings.TrimSuffix(path.Base(script), path.Ext(script))
	}
	if a.id = asID(name); a.id != name {
		a.note("Its name was %s.", name)
	}
}

// interpreters are those that pm2 takes for a script.
var interpreters = map[string]string{".js": "node", ".cjs": "node", ".mjs": "node", ".py": "python3", ".sh": "bash", ".rb": "ruby", ".php": "php", ".pl": "perl",
	".coffee": "coffee", ".ls": "lsc", ".ts": "bun", ".tsx": "bun"}

// program is the script with what runs it. A script of several words is a command for
// bash.
func (a *pm2App) program() {
	script, ok := a.str(a.app.get("script", "exec", "cmd", "command"), "script")
	if !ok || strings.TrimSpace(script) == "" {
		if a.problems == nil {
			a.problem(a.path, a.app.line, "the app %s has no script", a.id)
		}
		return
	}
	dir, _ := a.str(a.app.get("cwd"), "cwd")
	dir = home(literal(dir))
	if dir != "" {
		a.set("dir", dir)
	}
	args := a.words("args")
	if strings.Contains(script, " ") {
		a.run(strings.Join(append([]string{script}, args...), " "), dir, true, literal)
		return
	}
	by, given := a.str(a.app.get("interpreter", "exec_interpreter"), "interpreter")
	if !given {
		by = interpreters[path.Ext(script)]
	}
	flags := a.words("interpreter_args", "interpreterArgs", "node_args")
	script = home(literal(script))
	if by == "" && strings.Contains(script, "/") {
		a.note("The script is run by itself; pm2 runs one with an extension that it does not know by node, if it is a text.")
	}
	if by == "" || by == "none" {
		a.command = append([]string{program(dir, script)}, escaped(args)...)
		if flags != nil {
			a.lost("interpreter_args: "+strings.Join(flags, " "), "there is no interpreter")
		}
		return
	}
	a.command = append([]string{program(dir, literal(by))}, escaped(flags)...)
	a.command = append(append(a.command, script), escaped(args)...)
}

// words are arguments, as a list or in one text.
func (a *pm2App) words(keys ...string) []string {
	n := a.app.get(keys...)
	if n == nil {
		return nil
	}
	if n.kind == list {
		words, _ := a.texts(n, keys[0])
		return words
	}
	line, _ := a.str(n, keys[0])
	words, err := splitWords(line)
	if err != nil {
		a.problem(a.path, n.line, "%s: %v", keys[0], err)
	}
	return words
}

func escaped(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = literal(w)
	}
	return out
}

func (a *pm2App) environment() {
	if env := a.object(a.app.get("env"), "env"); env != nil {
		for _, p := range env.pairs {
			switch {
			case strings.HasPrefix(p.key, "NODE_CHANNEL_"):
				a.lost("env."+p.key+": "+p.value.shown(), "this is between Node and what starts it")
			case p.value.scalar() && p.key != "" && !strings.Contains(p.key, "="):
				a.setEnv(p.key, literal(p.value.text))
			default:
				a.lost("env."+p.key+": "+p.value.shown(), "the value of a variable is a text")
			}
		}
	}
	if port, ok := a.str(a.app.get("port"), "port"); ok {
		a.setEnv("PORT", literal(port))
	}
	switch n := a.app.get("filter_env"); {
	case n == nil || n.text == "false":
	case n.text == "true":
		a.set("inherit", "safe")
	default:
		a.lost("filter_env: "+n.shown(), "inherit: safe leaves out all but PATH, HOME and the like")
	}
}

func (a *pm2App) copiesOf() {
	instances := a.app.get("instances")
	mode, _ := a.str(a.app.get("exec_mode"), "exec_mode")
	n := 1
	if instances != nil {
		v, err := strconv.Atoi(instances.text)
		if err != nil && instances.text != "max" {
			a.problem(a.path, instances.line, "instances: expected a number or max, found %s", instances.shown())
			return
		}
		if n = v; n > maxCopies {
			a.problem(a.path, instances.line, "instances: %d are the most, found %d", maxCopies, n)
			return
		}
		if n < 1 {
			a.lost("instances: "+instances.shown(), "coppice does not count processors; write how many copies there are to be")
		}
	}
	if n > 1 {
		a.copies = n
		a.note("Each of the %d copies finds its number in COPPICE_COPY, from 1; with pm2 it is in NODE_APP_INSTANCE, from 0.", n)
	}
	byNode := len(a.command) > 0 && path.Base(a.command[0]) == "node"
	if strings.HasPrefix(mode, "cluster") || mode == "" && n > 1 && byNode {
		a.lost("exec_mode: cluster", "each copy is a process of its own; they cannot share a port, unless the program listens with reusePort, or uses node:cluster itself")
	}
}
