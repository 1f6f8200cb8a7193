package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// sample is a key with a value that is not its default. The value is as it is written
// in the file.
type sample struct{ key, value string }

// pm2Samples are all keys of pm2's own schema of its ecosystem files, some that it
// takes as well, and one that is none.
var pm2Samples = []sample{
	{"name", `"b"`}, {"script", `"./b.js"`}, {"exec", `"./b.js"`}, {"cmd", `"./b.js"`}, {"command", `"./b.js"`}, {"args", `"-v"`}, {"cwd", `"/srv"`},
	{"interpreter", `"python3"`}, {"exec_interpreter", `"python3"`}, {"interpreter_args", `"-x"`}, {"interpreterArgs", `"-x"`}, {"node_args", `["-x"]`},
	{"env", `{"A": "1"}`}, {"port", `80`}, {"env_production", `{"A": "2"}`}, {"filter_env", `true`}, {"filter_env", `["A"]`},
	{"instances", `3`}, {"instances", `"max"`}, {"exec_mode", `"cluster"`}, {"increment_var", `"PORT"`}, {"instance_var", `"N"`},
	{"autorestart", `false`}, {"stop_exit_codes", `[0]`}, {"max_restarts", `2`}, {"min_uptime", `"1m"`}, {"restart_delay", `9`}, {"exp_backoff_restart_delay", `9`},
	{"kill_timeout", `9`}, {"shutdown_with_message", `true`}, {"wait_ready", `true`}, {"listen_timeout", `9`},
	{"uid", `0`}, {"user", `"root"`}, {"gid", `"root"`},
	{"out_file", `"o"`}, {"out", `"o"`}, {"output", `"o"`}, {"out_log", `"o"`}, {"error_file", `"e"`}, {"error", `"e"`}, {"err", `"e"`}, {"err_file", `"e"`}, {"err_log", `"e"`},
	{"log_file", `"l"`}, {"log", `"l"`}, {"log_date_format", `"YYYY"`}, {"time", `true`},
	{"watch", `["src"]`}, {"ignore_watch", `["x"]`}, {"watch_delay", `9`}, {"watch_options", `{"followSymlinks": false}`}, {"cron_restart", `"* * * * *"`}, {"cron", `"* * * * *"`},
	{"max_memory_restart", `"1G"`}, {"namespace", `"x"`}, {"pid_file", `"p"`}, {"pid", `"p"`}, {"source_map_support", `true`}, {"disable_source_map_support", `false`},
	{"vizion", `false`}, {"pmx", `false`}, {"automation", `false`}, {"treekill", `false`}, {"force", `true`}, {"disable_logs", `true`}, {"log_type", `"json"`},
	{"append_env_to_name", `true`}, {"name_prefix", `"x"`}, {"kill_retry_time", `9`}, {"windowsHide", `false`}, {"post_update", `["npm install"]`},
	{"install_url", `"x"`}, {"trace", `true`}, {"disable_trace", `true`}, {"v8", `true`}, {"event_loop_inspector", `true`}, {"deep_monitoring", `true`},
	{"execute_command", `true`}, {"username", `"x"`}, {"write", `true`}, {"io", `{"conf": 1}`}, {"no_such_key", `1`},
}

// programSamples are all options of [program:x] in supervisord's manual.
var programSamples = []sample{
	{"command", "b"}, {"process_name", "b"}, {"numprocs", "2"}, {"priority", "1"}, {"autostart", "false"}, {"autorestart", "true"}, {"startsecs", "9"}, {"startretries", "9"},
	{"exitcodes", "0,9"}, {"exitcodes", "9"}, {"stopsignal", "INT"}, {"stopwaitsecs", "9"}, {"stopasgroup", "true"}, {"killasgroup", "true"}, {"user", "root"},
	{"stdout_logfile", "o"}, {"stdout_logfile", "NONE"}, {"stdout_logfile", "syslog"}, {"stdout_logfile_maxbytes", "1MB"}, {"stdout_logfile_backups", "9"}, {"stdout_capture_maxbytes", "1MB"},
	{"stdout_events_enabled", "true"}, {"stdout_syslog", "true"}, {"stderr_logfile", "e"}, {"stderr_logfile_maxbytes", "1MB"}, {"stderr_logfile_backups", "9"},
	{"stderr_capture_maxbytes", "1MB"}, {"stderr_events_enabled", "true"}, {"stderr_syslog", "true"},
	{"environment", `A="1"`}, {"directory", "/srv"}, {"umask", "027"}, {"serverurl", "http://x"}, {"no_such_option", "1"},
}

// processSamples are all keys of a process in the schema of process-compose, and some
// of later versions.
var processSamples = []sample{
	{"command", "b"}, {"entrypoint", "[b, c]"}, {"working_dir", "/srv"}, {"environment", "[A=1]"}, {"environment", "{A: 1}"}, {"env_file", "nowhere.env"}, {"description", "about it"},
	{"disabled", "true"}, {"is_foreground", "true"}, {"is_daemon", "true"}, {"is_tty", "true"}, {"is_elevated", "true"}, {"is_disabled", `"true"`}, {"disable_ansi_colors", "true"},
	{"is_dotenv_disabled", "true"}, {"launch_timeout_seconds", "9"}, {"namespace", "x"}, {"replicas", "2"}, {"log_location", "l"}, {"log_configuration", "{rotation: {filename: l}}"},
	{"log_configuration", "{fields_order: [time]}"}, {"ready_log_line", "up"}, {"depends_on", "{other: {condition: process_started}}"}, {"depends_on", "{other: {condition: process_completed}}"},
	{"availability", "{restart: always}"}, {"availability", "{restart: on_failure}"}, {"availability", "{restart: exit_on_failure}"}, {"availability", "{max_restarts: 9}"},
	{"availability", "{backoff_seconds: 9}"}, {"availability", "{exit_on_end: true}"}, {"availability", "{exit_on_skipped: true}"}, {"availability", "{restart: always, max_restarts: 9}"},
	{"readiness_probe", "{exec: {command: b}}"}, {"readiness_probe", "{http_get: {port: 80}}"}, {"liveness_probe", "{exec: {command: b, working_dir: /x}}"}, {"liveness_probe", "{}"},
	{"liveness_probe", "{http_get: {port: 80, headers: {a: b}}, success_threshold: 2}"}, {"shutdown", "{command: b}"}, {"shutdown", "{signal: 2}"}, {"shutdown", "{timeout_seconds: 9}"},
	{"shutdown", "{parent_only: true}"}, {"schedule", "{cron: x}"}, {"watch", "[x]"}, {"mcp", "{tool: x}"}, {"original_config", "x"}, {"replica_name", "x"}, {"executable", "x"}, {"args", "[x]"},
	{"no_such_key", "1"},
}

// projectSamples are all keys of a process-compose.yaml itself.
var projectSamples = []sample{
	{"name", "b"}, {"log_location", "l"}, {"log_level", "debug"}, {"log_length", "9"}, {"log_configuration", "{no_color: true}"}, {"log_format", "x"}, {"environment", "[A=1]"},
	{"shell", "{shell_command: zsh, shell_argument: -c}"}, {"vars", "{V: c}"}, {"disable_env_expansion", "true"}, {"extends", "b.yaml"}, {"env_cmds", "{A: date}"},
	{"file_names", "[x]"}, {"env_file_names", "[x]"}, {"dot_env_vars", "{A: b}"}, {"no_such_key", "1"},
}

// daemonSamples are options of [supervisord].
var daemonSamples = []sample{
	{"logfile", "l"}, {"logfile_maxbytes", "1MB"}, {"logfile_backups", "9"}, {"loglevel", "debug"}, {"pidfile", "p"}, {"umask", "027"}, {"nodaemon", "false"}, {"silent", "true"},
	{"minfds", "9"}, {"minprocs", "9"}, {"nocleanup", "true"}, {"childlogdir", "/x"}, {"user", "root"}, {"directory", "/srv"}, {"strip_ansi", "true"}, {"environment", `A="1"`},
	{"identifier", "x"}, {"no_such_option", "1"},
}

// Every key that others have changes the tree, or leaves a comment with its name. What
// is not known is told.
func TestEveryKey(t *testing.T) {
	script := []string{`, "script": "./a.js"`}
	for _, c := range []struct {
		name     string
		from     Format
		file     string              // %s is where the key comes
		written  string              // of key and value
		replaced map[string][]string // what is left out for a key
		samples  []sample
	}{
		{"pm2", PM2, `{"apps": [{"name": "a", "script": "./a.js"%s}]}`, `, %q: %s`, map[string][]string{"exec": script, "cmd": script, "command": script}, pm2Samples},
		{"supervisord program", Supervisord, "[program:other]\ncommand=o\n[program:a]\ncommand=a\n%s", "%s=%s\n", nil, programSamples},
		{"supervisord", Supervisord, "[program:a]\ncommand=a\n[supervisord]\n%s", "%s=%s\n", nil, daemonSamples},
		{"process", ProcessCompose, "processes:\n  other: {command: o}\n  a:\n    command: a\n%s", "    %s: %s\n", map[string][]string{"command": {"    command: a\n"}}, processSamples},
		{"project", ProcessCompose, "processes:\n  a: {command: 'echo ${X} {{.V}}'}\n%s", "%s: %s\n", nil, projectSamples},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := imported(t, c.from, fmt.Sprintf(c.file, ""))
			for _, s := range c.samples {
				file := fmt.Sprintf(c.file, fmt.Sprintf(c.written, s.key, s.value))
				for _, instead := range c.replaced[s.key] {
					file = strings.Replace(file, instead, "", 1)
				}
				r := imported(t, c.from, file)
				switch {
				case treeOf(r) == treeOf(base) && !tells(r, s.key+": ") && !tells(r, s.key+"=") && !tells(r, s.value) && !tells(r, s.key+"."):
					t.Errorf("%s: %s is neither carried over nor told:\n%s", s.key, s.value, r.YAML)
				case strings.HasPrefix(s.key, "no_such") && (!tells(r, s.key) || r.Losses == base.Losses):
					t.Errorf("%s is not known, which is not told:\n%s", s.key, r.YAML)
				}
				if _, err := Check("tree.yaml", r); err != nil {
					t.Errorf("%s: %s: %v in\n%s", s.key, s.value, err, r.YAML)
				}
			}
		})
	}
}

func imported(t *testing.T, from Format, file string) *Result {
	t.Helper()
	r, err := Import("tree.yaml", []byte(file), Options{From: from})
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	return r
}

// tells reports whether a comment has this in it.
func tells(r *Result, what string) bool {
	for line := range strings.Lines(string(r.YAML)) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") && strings.Contains(line, what) {
			return true
		}
	}
	return false
}

// treeOf is the file without its comments.
func treeOf(r *Result) string {
	var b strings.Builder
	for line := range strings.Lines(string(r.YAML)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// All keys that are read have a sample.
func TestSamplesComplete(t *testing.T) {
	for _, c := range []struct {
		samples []sample
		read    []string
		lost    map[string]string
		exempt  string // those that say something together with others only
	}{
		{pm2Samples, pm2Keys, pm2Lost, "merge_logs combine_logs"},
		{programSamples, programKeys, programLost, "numprocs_start redirect_stderr"},
		{processSamples, processKeys, processLost, "vars"},
		{projectSamples, nil, projectLost, "mcp_server theme"},
		{daemonSamples, nil, daemonLost, ""},
	} {
		have := make(map[string]bool)
		for _, s := range c.samples {
			have[s.key] = true
		}
		for _, key := range slices.Concat(c.read, slices.Collect(maps.Keys(c.lost))) {
			have[key] = have[key] || slices.Contains(strings.Fields(c.exempt), key)
			if !have[key] {
				t.Errorf("there is no sample of %s", key)
			}
		}
	}
}
