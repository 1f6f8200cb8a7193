package importer

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// supervisord reads a supervisord.conf, and what it includes.
func (im *importer) supervisord(root *child, data []byte) {
	sections := im.ini(nil, im.path, data)
	for _, s := range sections {
		if s.name == "include" {
			sections = im.include(root, sections, s)
			break
		}
	}
	if im.problems != nil {
		return
	}
	root.note("As with supervisord a program is killed after stopwaitsecs, 10s if that is not given. Log files have both streams.")
	root.note("A program without startretries is restarted for ever, with pauses that grow from 1s to 10s; supervisord leaves it down when it could not be started 3 times.")
	var daemon *section
	for _, s := range sections {
		if s.name == "supervisord" {
			daemon = s
			im.daemon(root, s)
		}
	}
	var all []ranked
	byName := make(map[string][]ranked)
	for _, s := range sections {
		kind, name, _ := strings.Cut(s.name, ":")
		switch name = strings.TrimSpace(name); kind {
		case "supervisord", "include", "group":
		case "program":
			group, grouped := groupOf(sections, name)
			byName[name] = im.programs(s, name, group, daemon)
			if !grouped {
				all = append(all, byName[name]...)
			}
		default:
			root.lost("["+s.name+"]", cmp.Or(sectionLost[kind], "coppice does not know what it means"))
		}
	}
	for _, s := range sections {
		if name, ok := strings.CutPrefix(s.name, "group:"); ok {
			all = append(all, im.group(s, name, byName))
		}
	}
	root.children = sorted(all)
}

// sectionLost says of sections why they have no counterpart.
var sectionLost = map[string]string{
	"unix_http_server": "`coppice run` has a control socket of its own",
	"inet_http_server": "coppice is steered through a unix socket only",
	"supervisorctl":    "`coppice ps`, logs, start, stop, restart find the running tree",
	"ctlplugin":        "there are no plugins",
	"rpcinterface":     "the control socket speaks HTTP and JSON",
	"eventlistener":    "`coppice events --output json` is the stream of what happens",
	"fcgi-program":     "coppice does not listen for its programs; use the program's own FastCGI process manager",
}

// ranked is a child with the priority that orders it.
type ranked struct {
	priority int
	*child
}

// defaultPriority is that of programs and groups.
const defaultPriority = 999

func sorted(all []ranked) []*child {
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.priority, b.priority) })
	children := make([]*child, len(all))
	for i, r := range all {
		children[i] = r.child
	}
	return children
}

// groupOf is the group that a program is in; one of its own if no section puts it
// into another.
func groupOf(sections []*section, program string) (name string, grouped bool) {
	for _, s := range sections {
		if name, ok := strings.CutPrefix(s.name, "group:"); ok && slices.Contains(members(s), program) {
			return name, true
		}
	}
	return program, false
}

func members(s *section) []string {
	o := s.get("programs")
	if o == nil {
		return nil
	}
	return strings.FieldsFunc(o.value, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
}

// group is a supervisor for the programs of a group.
func (im *importer) group(s *section, name string, byName map[string][]ranked) ranked {
	g := ranked{defaultPriority, &child{id: asID(name)}}
	names := members(s)
	if len(names) == 0 {
		im.problem(s.file, s.line, "the group %s has no programs", name)
	}
	var kids []ranked
	for _, p := range names {
		if byName[p] == nil {
			im.problem(s.file, s.get("programs").line, "the group %s has a program %s, which is not there", name, p)
		}
		kids = append(kids, byName[p]...)
	}
	for _, o := range s.options {
		switch o.key {
		case "programs":
		case "priority":
			g.priority = im.integer(s, o, defaultPriority)
		default:
			g.lost(o.key+"="+o.value, "it is no key of a group")
		}
	}
	g.children = sorted(kids)
	return g
}

// include reads the files that the section include names. A pattern is relative to
// the file it is in.
func (im *importer) include(root *child, sections []*section, s *section) []*section {
	o := s.get("files")
	if o == nil {
		im.problem(s.file, s.line, "[include] has no files")
		return sections
	}
	here, _ := filepath.Abs(im.dir)
	for _, given := range strings.Fields(im.interpolate(s, o, map[string]string{"here": here, "host_node_name": hostname()})) {
		pattern := given
		if !filepath.IsAbs(given) {
			pattern = filepath.Join(im.dir, given)
		}
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			root.lost("[include] files="+given, "there is no such file")
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				im.problem(s.file, o.line, "include %s: %v", file, err)
				continue
			}
			if im.readable(file, data) {
				sections = im.ini(sections, file, []byte(strings.ReplaceAll(string(data), "\r\n", "\n")))
			}
		}
	}
	return sections
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// daemonLost are the options of supervisord itself that have no counterpart.
var daemonLost = map[string]string{
	"logfile": "coppice logs to stderr", "logfile_maxbytes": "coppice logs to stderr", "logfile_backups": "coppice logs to stderr", "loglevel": "give `coppice run --log-level`",
	"pidfile":  "`coppice ps` finds the running tree by its name",
	"nodaemon": "coppice runs in the foreground; let systemd, or a container, run it",
	"silent":   "the log goes to stderr", "childlogdir": "what has no log of its own goes to the log of coppice", "strip_ansi": "output is logged as it is",
	"minfds": "give limits: {nofile: …} to the programs", "minprocs": "give limits: {nproc: …} to the programs",
	"identifier": "give `coppice import --name`", "user": "run coppice as that user, or give user to each program", "nocleanup": "coppice makes no such files",
}

// daemon are the options of supervisord itself.
func (im *importer) daemon(root *child, s *section) {
	here, _ := filepath.Abs(filepath.Dir(s.file))
	names := map[string]string{"here": here, "host_node_name": hostname()}
	for _, o := range s.options {
		switch o.key {
		case "environment":
			im.variables(root, s, o, names)
		case "directory":
			if o.value != "" {
				root.set("dir", home(im.interpolate(s, o, names)))
			}
		case "umask": // of programs: see there
		default:
			if o.key == "nodaemon" && truth(o.value) {
				continue
			}
			root.lost("[supervisord] "+o.key+"="+o.value, cmp.Or(daemonLost[o.key], "coppice does not know what it means"))
		}
	}
}
