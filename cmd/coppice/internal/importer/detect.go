package importer

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Format is whose file it is.
type Format uint8

// The formats.
const (
	Unknown Format = iota
	PM2
	Supervisord
	Procfile
	ProcessCompose
)

var formats = [...]string{"unknown", "pm2", "supervisord", "procfile", "process-compose"}

func (f Format) String() string { return formats[f] }

// content is what has to be in a file.
func (f Format) content() string {
	return [...]string{"", `a list "apps"`, "sections [program:NAME]", "lines NAME: COMMAND", "a mapping processes"}[f]
}

// Formats are the names of all formats.
func Formats() []string { return formats[1:] }

// ParseFormat is the format of that name.
func ParseFormat(name string) (Format, error) {
	if i := slices.Index(formats[1:], name); i >= 0 {
		return Format(i + 1), nil
	}
	return Unknown, fmt.Errorf("there is no format %q; give one of %s", name, strings.Join(Formats(), ", "))
}

var (
	sectionLine  = regexp.MustCompile(`(?m)^\[(supervisord|supervisorctl|unix_http_server|inet_http_server|(program|group|eventlistener|fcgi-program|rpcinterface):[^\]]+)\]`)
	processesKey = regexp.MustCompile(`(?m)^"?processes"?\s*:\s*($|[{#])`)
	appsKey      = regexp.MustCompile(`(?m)^"?apps"?\s*:`)
	jsonStart    = regexp.MustCompile(`^\s*[{\[]\s*["{\[\]}]`)
)

// detect finds the format from the name of the file, and where that does not tell
// from its content.
func detect(path string, data []byte, given Format) (Format, error) {
	base := strings.ToLower(filepath.Base(path))
	ext := filepath.Ext(base)
	switch {
	case slices.Contains([]string{".js", ".cjs", ".mjs", ".ts"}, ext):
		return Unknown, Error{{path, 1, fmt.Sprintf("this is a program, which is not run here; write what it makes as JSON, and import that: node -p \"JSON.stringify(require('./%s'))\" > ecosystem.config.json", filepath.Base(path))}}
	case given != Unknown:
		return given, nil
	case base == "procfile", strings.HasPrefix(base, "procfile."), ext == ".procfile":
		return Procfile, nil
	case ext == ".json", ext == ".json5":
		return PM2, nil
	case strings.HasPrefix(base, "process-compose."):
		return ProcessCompose, nil
	case ext == ".conf", ext == ".ini":
		return Supervisord, nil
	}
	switch {
	case jsonStart.Match(data):
		return PM2, nil
	case sectionLine.Match(data):
		return Supervisord, nil
	case processesKey.Match(data):
		return ProcessCompose, nil
	case appsKey.Match(data):
		return PM2, nil
	case ext != ".yaml" && ext != ".yml" && allEntries(string(data)):
		return Procfile, nil
	}
	return Unknown, Error{{path, 1, "neither the name nor the content says whose file this is; give --from " + strings.Join(Formats(), ", --from ")}}
}

// allEntries reports whether all lines are those of a Procfile.
func allEntries(text string) bool {
	found := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if !procfileEntry.MatchString(line) {
			return false
		}
		found = true
	}
	return found
}
