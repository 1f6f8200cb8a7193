package importer

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// supervised is a section [program:x] that is read, or one of the processes of it.
type supervised struct {
	*importer
	*child
	s     *section
	names map[string]string // for interpolation
}

// programKeys are the options of a program that are read.
var programKeys = []string{"command", "process_name", "numprocs", "numprocs_start", "priority", "autostart", "autorestart", "startsecs", "startretries", "exitcodes",
	"stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup", "user", "redirect_stderr", "directory", "umask", "environment",
	"stdout_logfile", "stdout_logfile_maxbytes", "stdout_logfile_backups", "stderr_logfile", "stderr_logfile_maxbytes", "stderr_logfile_backups"}

// programLost says of options why they have no counterpart.
var programLost = map[string]string{
	"stdout_capture_maxbytes": "there is no capture mode", "stderr_capture_maxbytes": "there is no capture mode",
	"stdout_events_enabled": "`coppice logs --follow --output json` is the stream of all lines", "stderr_events_enabled": "`coppice logs --follow --output json` is the stream of all lines",
	"stdout_syslog": "the log of coppice goes to stderr, where systemd takes it", "stderr_syslog": "the log of coppice goes to stderr, where systemd takes it",
	"serverurl": "the control socket of coppice speaks another language",
}

// programs are the children that a section makes: one, with copies, or as many as
// there are processes if they differ in more than their names.
func (im *importer) programs(s *section, name, group string, daemon *section) []ranked {
	number, start, priority := 1, 0, defaultPriority
	if o := s.get("numprocs"); o != nil {
		number = im.integer(s, o, 1)
	}
	if o := s.get("numprocs_start"); o != nil {
		start = im.integer(s, o, 0)
	}
	if o := s.get("priority"); o != nil {
		priority = im.integer(s, o, defaultPriority)
	}
	if s.get("command") == nil {
		im.problem(s.file, s.line, "the program %s has no command", name)
		return nil
	}
	if number < 1 || number > maxCopies {
		im.problem(s.file, s.get("numprocs").line, "numprocs: expected 1 to %d, found %d", maxCopies, number)
		return nil
	}
	differ := slices.ContainsFunc(s.options, func(o *option) bool {
		return o.key != "process_name" && strings.Contains(o.value, "%(process_num)")
	})
	here, _ := filepath.Abs(filepath.Dir(s.file))
	var all []ranked
	for i := range number {
		c := &child{id: asID(name)}
		p := &supervised{im, c, s, map[string]string{"program_name": name, "group_name": group, "numprocs": strconv.Itoa(number),
			"process_num": strconv.Itoa(start + i), "here": here, "host_node_name": hostname()}}
		if o := s.get("process_name"); o != nil && (number == 1 || differ) {
			c.id = asID(p.value(o))
		} else if number > 1 && differ {
			c.id = asID(name + "-" + strconv.Itoa(start+i))
		}
		p.read(daemon)
		all = append(all, ranked{priority, c})
		if number > 1 && !differ {
			c.copies = number
			if o := s.get("process_name"); o != nil {
				c.note("process_name=%s: the copies are %s-1 to %s-%d.", o.value, c.id, c.id, number)
			}
			break
		}
	}
	return all
}

func (p *supervised) value(o *option) string { return p.interpolate(p.s, o, p.names) }

func (p *supervised) read(daemon *section) {
	s := p.s
	p.start()
	p.restarts()
	p.stopping()
	p.output()
	if o := s.get("environment"); o != nil {
		p.variables(p.child, s, o, p.names)
	}
	if o := s.get("user"); o != nil {
		p.asUser(p.child, "user", "user="+o.value, p.value(o))
	}
	umask := s.get("umask")
	if umask == nil && daemon != nil {
		umask = daemon.get("umask")
	}
	if umask != nil {
		if v, err := strconv.ParseUint(umask.value, 8, 16); err == nil && v <= 0o777 {
			p.set("umask", strconv.FormatUint(0o1000|v, 8)[1:])
		} else {
			p.problem(s.file, umask.line, "umask: expected an octal number up to 0777, found %s", umask.value)
		}
	}
	for _, o := range s.options {
		why, known := programLost[o.key]
		switch {
		case slices.Contains(programKeys, o.key), known && slices.Contains([]string{"0", "false", "no", "off", "auto", ""}, strings.ToLower(o.value)):
		default:
			p.lost(o.key+"="+o.value, cmp.Or(why, "coppice does not know what it means"))
		}
	}
	if o := s.get("autostart"); o != nil && !truth(o.value) {
		p.off = true
		p.lost("autostart="+o.value, "coppice starts all children of a tree")
	}
}

// start is the command, which supervisord runs without a shell.
func (p *supervised) start() {
	dir := ""
	if o := p.s.get("directory"); o != nil && o.value != "" {
		dir = home(p.value(o))
		p.set("dir", dir)
	}
	o := p.s.get("command")
	words, err := splitWords(p.value(o))
	switch {
	case err != nil:
		p.problem(p.s.file, o.line, "command: %v", err)
	case len(words) == 0 || words[0] == "":
		p.problem(p.s.file, o.line, "the command is empty")
	default:
		words[0] = program(dir, words[0])
		p.command = words
	}
}

// truth is what supervisord takes for true.
func truth(s string) bool {
	return slices.Contains([]string{"1", "true", "yes", "on"}, strings.ToLower(s))
}

// integer is the value of an option that is one.
func (im *importer) integer(s *section, o *option, otherwise int) int {
	v, err := strconv.ParseInt(o.value, 10, 32)
	if err != nil || v < 0 && o.key != "priority" {
		im.problem(s.file, o.line, "%s: expected a whole number, found %s", o.key, o.value)
		return otherwise
	}
	return int(v)
}

// variable is a piece of the option environment: KEY="value",KEY2='value',KEY3=value.
var variable = regexp.MustCompile(`^[\s,]*([^\s,=]+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,"']*)(?:[\s,]+|$)`)

func (im *importer) variables(c *child, s *section, o *option, names map[string]string) {
	for rest := im.interpolate(s, o, names); strings.Trim(rest, " ,\n\t") != ""; {
		m := variable.FindStringSubmatch(rest)
		if m == nil {
			im.problem(s.file, o.line, `environment: expected KEY="value",KEY2="value", found %s`, short(strings.TrimSpace(rest)))
			return
		}
		words, err := splitWords(m[2])
		if err != nil {
			im.problem(s.file, o.line, "environment: %s: %v", m[1], err)
			return
		}
		c.setEnv(m[1], strings.Join(words, " "))
		rest = rest[len(m[0]):]
	}
}
