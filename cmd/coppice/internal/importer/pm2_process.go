package importer

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// stopping is by SIGINT, or a message. Pm2 gives a program 1.6s.
func (a *pm2App) stopping() {
	timeout, ok := a.milliseconds("kill_timeout")
	if !ok {
		timeout = 1600 * time.Millisecond
	}
	stop := flow{{"signal", "SIGINT"}, {"timeout", timeout}}
	if byMessage, _ := a.flag(a.app.get("shutdown_with_message"), "shutdown_with_message"); byMessage {
		a.set("node_ipc", true)
		stop = flow{{"message", true}, {"wait", max(timeout, time.Millisecond)}, {"timeout", timeout}}
	}
	a.set("stop", stop)
}

func (a *pm2App) readiness() {
	wait, _ := a.flag(a.app.get("wait_ready"), "wait_ready")
	timeout, given := a.milliseconds("listen_timeout")
	switch {
	case wait:
		if timeout == 0 {
			timeout = 3 * time.Second
		}
		a.set("node_ipc", true)
		a.set("ready", flow{{"node", true}, {"timeout", timeout}})
		a.note("wait_ready: a program that does not say process.send('ready') within %s has failed to start; pm2 takes it for ready.", duration(timeout))
	case given:
		a.lost("listen_timeout: "+a.app.get("listen_timeout").shown(), "without wait_ready nothing is waited for")
	}
}

// output goes to one file, for both streams.
func (a *pm2App) output() {
	all, hasAll := a.str(a.app.get("log_file", "log"), "log_file")
	out, hasOut := a.str(a.app.get("out_file", "out", "output", "out_log"), "out_file")
	err, hasErr := a.str(a.app.get("error_file", "error", "err", "err_file", "err_log"), "error_file")
	hasAll = hasAll && all != "false" && all != "true"
	file := ""
	for _, f := range []struct {
		key, path string
		has       bool
	}{{"log_file", all, hasAll}, {"out_file", out, hasOut}, {"error_file", err, hasErr}} {
		switch {
		case !f.has || f.path == file:
		case f.path == "/dev/null" || f.path == "NULL" || f.path == "":
			a.lost(f.key+": "+f.path, "coppice throws no output away")
		case file == "":
			file = f.path
		default:
			a.lost(f.key+": "+f.path, "stdout and stderr go to the same file")
		}
	}
	format, dated := a.str(a.app.get("log_date_format"), "log_date_format")
	times, _ := a.flag(a.app.get("time"), "time")
	if dated && file != "" {
		a.note("log_date_format: %s: the times are in UTC, and look like those of RFC 3339.", format)
	}
	if file == "" {
		if dated {
			a.note("log_date_format: %s: each line of the log of coppice has its time, in its own form.", format)
		}
		if times {
			a.note("time: true: each line of the log of coppice has its time.")
		}
	} else {
		log := flow{{"file", home(literal(file))}}
		if dated || times {
			log = append(log, entry{"times", true})
		}
		a.set("log", log)
	}
	if merged, given := a.flag(a.app.get("merge_logs", "combine_logs"), "merge_logs"); given && !merged && file != "" && a.copies > 1 {
		a.lost("merge_logs: false", "the copies share the file")
	}
}

func (a *pm2App) identity() {
	a.account("user", a.app.get("uid", "user"))
	a.account("group", a.app.get("gid"))
}

// account sets a user or a group, if this machine has it: the loader looks.
func (a *pm2App) account(key string, n *node) {
	if name, ok := a.str(n, key); ok {
		a.asUser(a.child, key, key+": "+name, name)
	}
}

func (im *importer) asUser(c *child, key, shown, name string) {
	keys := flow{{key, literal(name)}}
	if user := c.keys.get("user"); user != nil && key == "group" {
		keys = keys.with("user", user)
	}
	if _, err := im.accepted(keys); err != nil {
		c.lost(shown, "this machine does not have that "+key+", or not its group; where it is there write "+key+": "+scalar(name))
		return
	}
	c.set(key, literal(name))
}

var uptimeText = regexp.MustCompile(`^(\d+)(h|m|s)?$`)

// milliseconds is a time of pm2: a number of them, or with h, m or s.
func (a *pm2App) milliseconds(key string) (time.Duration, bool) {
	n := a.app.get(key)
	if n == nil {
		return 0, false
	}
	m := uptimeText.FindStringSubmatch(strings.TrimSpace(n.text))
	if m != nil {
		v, err := strconv.ParseInt(m[1], 10, 32)
		unit := map[string]time.Duration{"": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour}[m[2]]
		if err == nil && time.Duration(v)*unit < 1000*time.Hour {
			return time.Duration(v) * unit, true
		}
	}
	a.problem(a.path, n.line, "%s: expected a number of milliseconds, or one with h, m or s, found %s", key, n.shown())
	return 0, false
}
