package importer

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var procfileEntry = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)

// Foreman gives each entry a range of ports.
const (
	firstPort = 5000
	nextPort  = 100
)

// procfile reads a Procfile: lines NAME: COMMAND for a shell. Foreman ignores any
// other line; so do we, with a comment.
func (im *importer) procfile(root *child, data []byte) {
	root.note("Each program is restarted when it ends, as on a platform that reads a Procfile. Foreman stops all when one ends: for that give the tree auto_shutdown: any_significant, and each program restart: temporary and significant: true.")
	env := im.foremanEnv(root)
	port := firstPort
	if p, err := strconv.Atoi(env["PORT"]); err == nil {
		port = p
	}
	root.note("PORT is %d for the first program and %d more for each other, as with foreman.", port, nextPort)
	lines := make(map[string]int)
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		m := procfileEntry.FindStringSubmatch(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case m == nil:
			root.lost("line "+strconv.Itoa(i+1)+": "+short(line), "lines are NAME: COMMAND")
			continue
		case lines[m[1]] > 0:
			im.problem(im.path, i+1, "the name %s is there twice, first in line %d", m[1], lines[m[1]])
			continue
		}
		lines[m[1]] = i + 1
		c := &child{id: m[1], backoff: backoff{min: time.Second, max: time.Minute}}
		if m[1] == "release" {
			c.note("On Heroku release runs once, before the others are started; here it runs once, beside them.")
			c.restart, c.backoff = "temporary", backoff{}
		}
		c.run(m[2], "", false, literal)
		c.setEnv("PORT", strconv.Itoa(port+nextPort*len(root.children)))
		root.children = append(root.children, c)
	}
}

// foremanEnv has the tree read the .env beside the file, as foreman does, and returns
// what is in it.
func (im *importer) foremanEnv(root *child) map[string]string {
	return im.envFile(root, filepath.Join(im.dir, ".env"), ".env", "foreman reads it")
}

// envFile has a child read a file of environment variables, if the loader can. It
// returns what is in it. Shown is the path from the directory of the file.
func (im *importer) envFile(c *child, path, shown, why string) map[string]string {
	if !exists(path) {
		return nil
	}
	f, err := im.accepted(flow{{"env_file", literal(shown)}})
	if err != nil {
		c.lost(shown, why+", but here it cannot be read as lines of KEY=VALUE; `coppice check` says why once there is env_file: "+shown)
		return nil
	}
	c.set("env_file", literal(shown))
	env := make(map[string]string)
	for _, kv := range f.Commands["trial/x"].Env {
		name, value, _ := strings.Cut(kv, "=")
		env[name] = value
	}
	return env
}
