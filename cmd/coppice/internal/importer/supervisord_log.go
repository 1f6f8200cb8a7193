package importer

import (
	"regexp"
	"strconv"
	"strings"
)

// output goes to one file, for both streams.
func (p *supervised) output() {
	stdout, out := p.logfile("stdout_logfile")
	stderr, err := p.logfile("stderr_logfile")
	if o := p.s.get("redirect_stderr"); o != nil && truth(o.value) {
		if err != nil {
			p.note("stderr_logfile=%s: redirect_stderr is in its place.", err.value)
		}
		stderr, err = "", nil
	}
	prefix := "stdout_logfile"
	switch {
	case stdout == "" && stderr == "":
		p.unused("stdout_logfile", out)
		p.unused("stderr_logfile", err)
		return
	case stdout == "":
		stdout, prefix = stderr, "stderr_logfile"
		p.note("%s=%s: stdout goes there as well, for both streams go to the same file.", err.key, err.value)
	case stderr != "" && stderr != stdout:
		p.lost("stderr_logfile="+err.value, "stdout and stderr go to the same file")
		p.unused("stderr_logfile", nil)
	}
	p.set("log", p.rotation(flow{{"file", home(stdout)}}, prefix))
}

// logfile is the path that an option names; none if it names no file.
func (p *supervised) logfile(key string) (string, *option) {
	o := p.s.get(key)
	if o == nil {
		return "", nil
	}
	switch strings.ToLower(o.value) {
	case "auto", "syslog", "", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2":
		return "", o
	case "none", "/dev/null":
		p.lost(key+"="+o.value, "coppice throws no output away")
		return "", o
	}
	return p.value(o), o
}

// unused says that there is no file of which options tell how it is rotated.
func (p *supervised) unused(prefix string, o *option) {
	if o != nil && strings.EqualFold(o.value, "syslog") {
		p.lost(o.key+"="+o.value, "the log of coppice goes to stderr, where systemd takes it")
	}
	for _, suffix := range []string{"_maxbytes", "_backups"} {
		if o := p.s.get(prefix + suffix); o != nil && o.value != "0" {
			p.lost(o.key+"="+o.value, "there is no such file; the output goes to the log of coppice")
		}
	}
}

// rotation adds to the keys of a log when it is rotated.
func (p *supervised) rotation(log flow, prefix string) flow {
	size, keep := "50MiB", 10
	if o := p.s.get(prefix + "_maxbytes"); o != nil {
		switch m := byteText.FindStringSubmatch(strings.ToUpper(o.value)); {
		case o.value == "0":
			p.note("%s=0: coppice rotates at 10MiB, and keeps all files.", o.key)
			return append(log, entry{"keep", "all"})
		case m == nil:
			p.problem(p.s.file, o.line, "%s: expected a number, with KB, MB or GB, found %s", o.key, o.value)
		default:
			size = m[1] + map[string]string{"": "B", "KB": "KiB", "MB": "MiB", "GB": "GiB"}[m[2]]
		}
	}
	if o := p.s.get(prefix + "_backups"); o != nil {
		if keep = p.integer(p.s, o, 10); keep == 0 {
			p.lost(o.key+"=0", "one rotated file is kept at least")
			keep = 1
		}
	}
	return append(log, entry{"max_size", size}, entry{"keep", raw(strconv.Itoa(keep))})
}

var byteText = regexp.MustCompile(`^([1-9][0-9]{0,11})(KB|MB|GB)?$`)
