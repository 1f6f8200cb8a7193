package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is wrong with a file is told with its place, all at once.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"ecosystem.config.js", "module.exports = {}", `ecosystem.config.js:1: this is a program, which is not run here; write what it makes as JSON, and import that: node -p "JSON.stringify(require('./ecosystem.config.js'))" > ecosystem.config.json`},
		{"x.txt", "hello\nworld", "x.txt:1: neither the name nor the content says whose file this is; give --from pm2, --from supervisord, --from procfile, --from process-compose"},
		{"e.json", "{\n  \"apps\": [\n    {\"script\": \"a\",}\n  ]\n}", "e.json:3: this is not JSON: invalid character '}' looking for beginning of object key string; comments, single quotes and commas before a bracket are JavaScript, of which node -p makes JSON"},
		{"e.json", `{"apps": [`, "e.json:1: this is not JSON: it ends too early; comments, single quotes and commas before a bracket are JavaScript, of which node -p makes JSON"},
		{"e.json", "{\"apps\":\n[{\"script\": \"a\\u0000\"}]}", "e.json:2: there is a NUL character in a text"},
		{"Procfile", "a: b\nc: \xff", "Procfile:2: this is not in UTF-8; save the file in UTF-8"},
		{"e.json", "{}", `e.json:1: there is nothing in it that could be started; a pm2 file has a list "apps"`},
		{"e.json", "{\"apps\": [\n{\"name\": \"a\"}\n]}", "e.json:2: the app a has no script"},
		{"e.json", "[{\"script\": \"a\",\n\"kill_timeout\": \"soon\",\n\"instances\": \"many\",\n\"max_restarts\": -1, \"env\": 3, \"autorestart\": 2}]",
			"e.json:4: env: expected a mapping of keys to values, found a number\ne.json:3: instances: expected a number or max, found many\ne.json:4: autorestart: expected true or false, found 2\n" +
				"e.json:4: max_restarts: expected a whole number from 0 on, found -1\ne.json:2: kill_timeout: expected a number of milliseconds, or one with h, m or s, found soon"},
		{"s.conf", "[program:a]\nnumprocs=0\ncommand=a", "s.conf:2: numprocs: expected 1 to 10000, found 0"},
		{"s.conf", "[program:a]\n\ncommand=a 'b\n[program:b]\n[group:c]\nprograms=a,d", "s.conf:3: command: a quotation is not closed\ns.conf:4: the program b has no command\ns.conf:6: the group c has a program d, which is not there"},
		{"s.conf", "command=a", "s.conf:1: this is in no section; a section begins with a line [NAME]"},
		{"s.conf", "[program:a]\ncommand\n[x", "s.conf:2: expected KEY=VALUE, found command\ns.conf:3: the name of a section ends with ]"},
		{"s.conf", "[program:a]\ncommand=a %(x)s 5%\nstopsignal=STOP\nautorestart=maybe\nexitcodes=x\numask=999\nenvironment=A\nstopwaitsecs=x",
			"s.conf:2: command: %(x)s means nothing to supervisord; write %% for a %\ns.conf:2: command: % means nothing to supervisord; write %% for a %\ns.conf:4: autorestart: expected true, false or unexpected, found maybe\n" +
				"s.conf:8: stopwaitsecs: expected a whole number, found x\ns.conf:3: stopsignal: expected one of TERM, HUP, INT, QUIT, KILL, USR1 and USR2, found STOP\n" +
				"s.conf:7: environment: expected KEY=\"value\",KEY2=\"value\", found A\ns.conf:6: umask: expected an octal number up to 0777, found 999"},
		{"s.conf", "[supervisord]\n[program:a]\ncommand=a\nautostart=false", "s.conf:1: there is nothing in it that could be started; a supervisord file has sections [program:NAME]"},
		{"Procfile", "a: b\n# c\na: d", "Procfile:3: the name a is there twice, first in line 1"},
		{"Procfile", "\n", "Procfile:1: there is nothing in it that could be started; a procfile file has lines NAME: COMMAND"},
		{"process-compose.yml", "processes:\n  a: [\n", "process-compose.yml:2: this is not YAML: sequence end token ']' not found"},
		{"process-compose.yml", "processes:\n  a:\n    command: b\n    depends_on:\n      c: {condition: process_healthy}\n", "process-compose.yml:5: a depends on c, which is not there"},
		{"process-compose.yml", "processes:\n  a: {command: a, depends_on: {b: {}}}\n  b: {command: b, depends_on: {a: {}}}\n", "process-compose.yml:2: a depends on b, and so on itself"},
		{"process-compose.yml", "processes:\n  a: {}\n  b: {command: b, availability: {restart: sometimes, max_restarts: x}}\n",
			"process-compose.yml:2: the process a has no command\nprocess-compose.yml:3: availability.restart: expected always, on_failure, exit_on_failure or no, found sometimes\nprocess-compose.yml:3: availability.max_restarts: expected a whole number from 0 on, found x"},
		{"process-compose.yml", "processes:\n  a: {command: *b}\n", "process-compose.yml:2: there is no anchor &b before\nprocess-compose.yml:2: the process a has no command"},
		{"process-compose.yml", "a: b\na: c", "process-compose.yml:2: the key \"a\" is there twice"},
	} {
		_, err := Import(c.name, []byte(c.file), Options{})
		if err == nil {
			t.Errorf("%q is taken", c.file)
			continue
		}
		if d := cmp.Diff(c.want, err.Error()); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.file, d)
		}
	}
}

// Many aliases of aliases do not fill the memory.
func TestAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < 10; i++ {
		n, m := string(rune('0'+i)), string(rune('0'+i-1))
		b.WriteString("x" + n + ": &x" + n + " [" + strings.Repeat("*x"+m+", ", 9) + "*x" + m + "]\n")
	}
	_, err := Import("process-compose.yml", []byte(b.String()), Options{})
	if err == nil || !strings.Contains(err.Error(), "with its aliases the file has more than") {
		t.Error(err)
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, file string
		given      Format
		want       Format
	}{
		{"Procfile", "", Unknown, Procfile},
		{"dir/Procfile.dev", "", Unknown, Procfile},
		{"my.procfile", "", Unknown, Procfile},
		{"e.json", "", Unknown, PM2},
		{"supervisord.conf", "", Unknown, Supervisord},
		{"a.ini", "", Unknown, Supervisord},
		{"process-compose.override.yml", "", Unknown, ProcessCompose},
		{"x.yaml", "version: 1\nprocesses:\n  a: {}\n", Unknown, ProcessCompose},
		{"x.yaml", "apps:\n- script: a\n", Unknown, PM2},
		{"stdin", " {\"apps\": []}", Unknown, PM2},
		{"stdin", "; x\n[program:a]\n", Unknown, Supervisord},
		{"stdin", "processes: {a: {}}\n", Unknown, ProcessCompose},
		{"stdin", "# x\nweb: a\nworker: b\n", Unknown, Procfile},
		{"e.json", "", Procfile, Procfile},
	} {
		got, err := detect(c.name, []byte(c.file), c.given)
		if err != nil || got != c.want {
			t.Errorf("%s %q: %v, %v; want %v", c.name, c.file, got, err, c.want)
		}
	}
}

func TestName(t *testing.T) {
	for path, want := range map[string]string{
		"/srv/shop/ecosystem.config.json": "shop", "/srv/shop/supervisord.conf": "shop", "/srv/shop/Procfile": "shop", "/srv/shop/Procfile.dev": "shop",
		"/srv/shop/process-compose.yaml": "shop", "/srv/laravel.ini": "laravel", "/Procfile": "tree",
	} {
		im := importer{path: path, dir: filepath.Dir(path)}
		if got := im.name(); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// As RawConfigParser of Python, with the settings of supervisord.
func TestINI(t *testing.T) {
	im := importer{path: "s.conf"}
	got := im.ini(nil, "s.conf", []byte("# c\n[a]\nKey = v1 ; c\nother: x#y;z # c\nmore=one\n  two ; c\n\n  three\n;no\n[b]\nk==v\n[a]\nkey=v2\nempty=\n"))
	var flat []string
	for _, s := range got {
		for _, o := range s.options {
			flat = append(flat, s.name+" "+o.key+" "+o.value)
		}
	}
	want := []string{"a key v2", "a other x#y;z", "a more one\ntwo\nthree", "a empty ", "b k =v"}
	if d := cmp.Diff(want, flat); d != "" || im.problems != nil {
		t.Errorf("(-want +got):\n%s%v", d, im.problems)
	}
}

// A .env beside the file is carried over, and what it says of PORT or of variables.
func TestEnvFile(t *testing.T) {
	dir := t.TempDir()
	env := filepath.Join(dir, ".env")
	if err := os.WriteFile(env, []byte("PORT=7000\nWHO=me\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := func(name, file string, parts ...string) {
		t.Helper()
		r, err := Import(filepath.Join(dir, name), []byte(file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			if !strings.Contains(string(r.YAML), p) {
				t.Errorf("there is no %q in\n%s", p, r.YAML)
			}
		}
	}
	want("Procfile", "a: b\nc: d", "\nenv_file: .env\n", `{PORT: "7000"}`, `{PORT: "7100"}`)
	want("process-compose.yml", "processes:\n  a: {command: 'echo $WHO ${ELSE}'}", "\nenv_file: .env\n", `"echo ${WHO:-me} ${ELSE:-}"`)
	if err := os.WriteFile(env, []byte("no variable\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("Procfile", "a: b", "# .env: not carried over; foreman reads it", `{PORT: "5000"}`)
}
