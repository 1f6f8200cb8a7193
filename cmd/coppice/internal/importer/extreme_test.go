package importer

import (
	"strings"
	"testing"
)

// What is far too much, or odd, makes a valid tree, or is a problem of the file.
func TestExtremes(t *testing.T) {
	const most = "2147483647"
	for _, c := range []struct{ name, file string }{
		{"e.json", `[{"script": "a", "max_restarts": ` + most + `, "min_uptime": "999h", "instances": 10000}]`},
		{"e.json", `[{"script": "a", "max_restarts": ` + most + `, "exp_backoff_restart_delay": 1, "kill_timeout": 0, "listen_timeout": 0, "wait_ready": true}]`},
		{"e.json", `[{"script": "a", "instances": 10001}]`},
		{"e.json", `[{"script": " "}, {"script": "a", "name": "", "args": "", "env": {"": "x", "A=B": 1, "NODE_CHANNEL_FD": 3, "L": [1]}, "wait_ready": true, "uid": "", "out_file": ""}]`},
		{"e.json", `[{"script": "a", "name": "x/y", "instances": 2}, {"script": "a", "name": "x-y"}, {"script": "a", "name": "x-y-2"}, {"script": "~/a", "cwd": "~"}]`},
		{"e.json", strings.Repeat("[", 100_000)},
		{"s.conf", "[program:a]\ncommand=a\nstartretries=" + most + "\nstartsecs=" + most + "\nnumprocs=10\nstopwaitsecs=" + most},
		{"s.conf", "[program:a]\ncommand=''"},
		{"s.conf", "[program:]\ncommand=a\ndirectory=\nuser=\nstdout_logfile=\nenvironment=\n[supervisord]\ndirectory=\n[group:]\nprograms=\n"},
		{"s.conf", "[program:a]\ncommand=a $${X} $%(ENV_Y)s {\nenvironment=A=\"$%(ENV_Z)s\"\n[group:a]\nprograms=a"},
		{"Procfile", "a: exec"},
		{"Procfile", "a: ${X:-y} 'b"},
		{"process-compose.yml", "processes:\n  a: {command: a, replicas: 10, availability: {restart: always, max_restarts: " + most + ", backoff_seconds: " + most + "}}\n"},
		{"process-compose.yml", "processes:\n  a: {command: a, readiness_probe: {exec: {command: b}, failure_threshold: " + most + ", period_seconds: " + most + ", initial_delay_seconds: " + most + "}}\n"},
		{"process-compose.yml", "processes:\n  a: {command: a, readiness_probe: {http_get: {scheme: gopher, port: 1}}}\n"},
		{"process-compose.yml", "processes:\n  a: {command: a, readiness_probe: {http_get: {host: '::1', port: \"$PORT\"}}, working_dir: '', log_location: '', ready_log_line: ''}\n"},
		{"process-compose.yml", "processes:\n  a: {command: a, ready_log_line: 'costs $$5.$X (up)', environment: {A: null, B: [1]}}\n"},
		{"process-compose.yml", "shell: {}\nprocesses:\n  a: {command: a; b}\n"},
		{"process-compose.yml", "processes:\n  a: {entrypoint: ['']}\n  b: {entrypoint: []}\n"},
		{"process-compose.yml", "log_location: ''\nprocesses:\n  web: {command: a, replicas: 2}\n  web-1: {command: b, depends_on: {web-0: {condition: process_started}, web: {}}}\n"},
		{"process-compose.yml", "processes: [a]\n"},
		{"process-compose.yml", "processes: {a: b}\n"},
		{"process-compose.yml", "- a\n"},
		{"process-compose.yml", ""},
	} {
		r, err := Import(c.name, []byte(c.file), Options{})
		if err != nil {
			if list := err.(Error); list[0].Line < 1 || list[0].Message == "" {
				t.Errorf("%v", err)
			}
			continue
		}
		if _, err := Check(c.name, r); err != nil {
			t.Errorf("%v in\n%s", err, r.YAML)
		}
	}
}
