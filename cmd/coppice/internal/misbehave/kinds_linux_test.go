package misbehave

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Each kind does what its line in the table says. Those with more to prepare
// have a test of their own, named in elsewhere.
func TestKinds(t *testing.T) {
	tests := []struct {
		kind, options string
		check         func(t *testing.T, p *proc)
	}{
		{"slow", "--for 100ms", func(t *testing.T, p *proc) {
			p.await("ready")
			atLeast(t, p.begun, 100*time.Millisecond)
			p.signal(unix.SIGTERM)
			p.dies(unix.SIGTERM)
		}},
		{"never-ready", "--say hello", func(t *testing.T, p *proc) {
			p.await("hello")
			p.staysAlive()
			p.signal(unix.SIGTERM)
			p.dies(unix.SIGTERM)
			if out := p.all(); out != "hello\n" {
				t.Errorf("output %q", out)
			}
		}},
		{"flap-over", "--for 200ms --code 4", func(t *testing.T, p *proc) {
			p.exits(4)
			atLeast(t, p.begun, 210*time.Millisecond)
		}},

		{"ignore-term", "--ready", func(t *testing.T, p *proc) {
			p.await("ready")
			for _, sig := range []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} {
				if !ignores(p.pid, sig) {
					t.Errorf("%v is not ignored", sig)
				}
				p.signal(sig)
			}
			p.staysAlive()
		}},
		{"slow-stop", "--for 100ms --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			begin := time.Now()
			p.signal(unix.SIGTERM)
			p.dies(unix.SIGTERM)
			atLeast(t, begin, 100*time.Millisecond)
		}},
		{"late-exit", "--for 100ms --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			begin := time.Now()
			p.signal(unix.SIGTERM)
			p.exits(0)
			atLeast(t, begin, 100*time.Millisecond)
		}},
		{"fail-stop", "--code 7 --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			p.signal(unix.SIGTERM)
			p.exits(7)
		}},
		{"second-term", "--ready", func(t *testing.T, p *proc) {
			p.await("ready")
			p.signal(unix.SIGTERM)
			p.staysAlive()
			p.signal(unix.SIGTERM)
			p.exits(0)
		}},

		{"exit", "--code 6", func(_ *testing.T, p *proc) { p.exits(6) }},
		{"panic", "", func(t *testing.T, p *proc) {
			p.exits(2)
			if out := p.all(); !strings.Contains(out, "panic: misbehave: told to panic\n\ngoroutine ") {
				t.Errorf("output %q", out)
			}
		}},
		{"oom", "--bytes 32MB --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			if adj := procFile(t, p.pid, "oom_score_adj"); adj != "1000\n" {
				t.Errorf("oom_score_adj is %q", adj)
			}
			resident, err := strconv.Atoi(strings.Fields(procFile(t, p.pid, "statm"))[1])
			if err != nil || resident*os.Getpagesize() < 32e6 {
				t.Errorf("%d pages are resident, %v", resident, err)
			}
		}},
		{"busy", "--ready", func(t *testing.T, p *proc) {
			p.await("ready")
			first, _ := statOf(p.pid)
			p.eventually("100 ms of computing", func() bool { s, _ := statOf(p.pid); return s.ticks >= first.ticks+10 })
			p.signal(unix.SIGTERM)
			p.dies(unix.SIGTERM)
		}},
		{"stop-self", "", func(t *testing.T, p *proc) {
			p.eventually("it is stopped", func() bool { s, _ := statOf(p.pid); return s.state == "T" })
			p.signal(unix.SIGTERM)
			p.staysAlive()
			p.signal(unix.SIGCONT)
			p.dies(unix.SIGTERM)
		}},
		{"sleep", "--ready", func(t *testing.T, p *proc) {
			p.await("ready")
			p.signal(unix.SIGTERM)
			p.dies(unix.SIGTERM)
		}},

		{"flood", "--bytes 300kB --line 30", func(t *testing.T, p *proc) {
			p.exits(0)
			lines := slices.Collect(strings.Lines(p.all()))
			if len(lines) != 10_000 {
				t.Fatalf("%d lines", len(lines))
			}
			for i, line := range lines {
				if want := fmt.Sprintf("%012d xxxxxxxxxxxxxxxx\n", i); line != want {
					t.Fatalf("line %d is %q, want %q", i, line, want)
				}
			}
		}},
		{"endless-line", "--bytes 20kB --rate 100kB --code 3", func(t *testing.T, p *proc) {
			p.exits(3)
			atLeast(t, p.begun, 200*time.Millisecond)
			if out := p.all(); out != strings.Repeat("x", 20_000) {
				t.Errorf("%d bytes, of them %d x", len(out), strings.Count(out, "x"))
			}
		}},
		{"binary", "--bytes 100kB", func(t *testing.T, p *proc) {
			p.exits(0)
			values := map[byte]bool{}
			for _, b := range []byte(p.all()) {
				values[b] = true
			}
			if len(values) != 256 || len(p.output()) != 100_000 {
				t.Errorf("%d different bytes in %d", len(values), len(p.output()))
			}
			again := run(t, "binary --bytes 100kB")
			if again.all() != p.output() {
				t.Error("a second run differs")
			}
		}},
		{"invalid-utf8", "", func(t *testing.T, p *proc) {
			p.exits(0)
			lines := strings.Split(strings.TrimSuffix(p.all(), "\n"), "\n")
			for i, line := range lines {
				if last := i == len(lines)-1; utf8.ValidString(line) != last {
					t.Errorf("line %q is valid: %v", line, !last)
				}
			}
		}},
		{"escapes", "", func(t *testing.T, p *proc) {
			p.exits(0)
			for line := range strings.Lines(p.all()) {
				bad := func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }
				if !strings.ContainsFunc(line, bad) {
					t.Errorf("line %q is harmless", line)
				}
			}
		}},
		{"json", "", func(t *testing.T, p *proc) {
			p.exits(0)
			valid := map[bool]int{}
			for line := range strings.Lines(p.all()) {
				valid[json.Valid([]byte(line))]++
			}
			if valid[true] != 21 || valid[false] != 4 {
				t.Errorf("%d lines of JSON, %d others", valid[true], valid[false])
			}
		}},
		{"half-line", "", func(t *testing.T, p *proc) {
			p.exits(1)
			if out := p.all(); out != "half a li" {
				t.Errorf("output %q", out)
			}
		}},
		{"close-output", "--ready", func(t *testing.T, p *proc) {
			if out := p.all(); out != "ready\n" {
				t.Errorf("output %q", out)
			}
			p.staysAlive()
			p.signal(unix.SIGTERM)
			p.dies(unix.SIGTERM)
		}},

		{"forks", "--n 5 --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			pids := checkLeft(t, p, 5)
			for _, pid := range pids {
				if s, _ := statOf(pid); s.parent != p.pid || s.group != p.pid {
					t.Errorf("%d of %d: %+v", pid, p.pid, s)
				}
			}
		}},
		{"own-group", "--n 2 --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			mine, _ := statOf(p.pid)
			for _, pid := range checkLeft(t, p, 2) {
				if s, _ := statOf(pid); s.group != pid || s.session != mine.session {
					t.Errorf("%d: %+v", pid, s)
				}
			}
		}},
		{"setsid", "--n 2 --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			for _, pid := range checkLeft(t, p, 2) {
				if s, _ := statOf(pid); s.session != pid || s.parent != p.pid {
					t.Errorf("%d: %+v", pid, s)
				}
			}
		}},
		{"double-fork", "--ready", func(t *testing.T, p *proc) {
			p.await("ready")
			mine, _ := statOf(p.pid)
			pid := checkLeft(t, p, 1)[0]
			s, _ := statOf(pid)
			if s.parent == p.pid || s.session == mine.session || s.session == pid || alive(s.session) {
				t.Errorf("%d: %+v; the first: %+v", pid, s, mine)
			}
		}},
		{"leave", "--n 2 --code 8", func(t *testing.T, p *proc) {
			p.exits(8)
			for _, pid := range checkLeft(t, p, 2) {
				if s, _ := statOf(pid); s.group != p.pid {
					t.Errorf("%d: %+v", pid, s)
				}
			}
		}},
		{"hold-pipe", "", func(t *testing.T, p *proc) {
			p.exits(0)
			pid := p.left(1)[0]
			if s, _ := statOf(pid); s.session != pid {
				t.Errorf("%d: %+v", pid, s)
			}
			time.Sleep(50 * time.Millisecond) // that the output does not end has no event
			if p.ended() {
				t.Error("nobody holds the output")
			}
			if err := unix.Kill(pid, unix.SIGTERM); err != nil {
				t.Error(err)
			}
			p.all() // and now nobody does
		}},
		{"fork-storm", "--n 12 --for 50ms --ready", func(t *testing.T, p *proc) {
			p.await("ready")
			pids := p.left(12)
			p.eventually("all ignore SIGTERM", func() bool {
				return !slices.ContainsFunc(pids, func(pid int) bool { return !ignores(pid, unix.SIGTERM) })
			})
			grandchildren := 0
			for _, pid := range pids {
				s, ok := statOf(pid)
				if !ok || s.group != p.pid {
					t.Errorf("%d: %+v", pid, s)
				}
				if slices.Contains(pids, s.parent) {
					grandchildren++
				}
			}
			if grandchildren == 0 {
				t.Error("only the first forked")
			}
			p.end()
			if n := len(p.leftSoFar()); n != 12 {
				t.Errorf("%d processes, want 12", n)
			}
		}},
		{"comet", "--n 6 --for 60ms", func(t *testing.T, p *proc) {
			pids := p.left(6)
			p.eventually("only the last is left", func() bool {
				return !slices.ContainsFunc(pids[:5], alive)
			})
			last := pids[5]
			if s, _ := statOf(last); s.session != last || s.parent == p.pid || !ignores(last, unix.SIGTERM) {
				t.Errorf("%d: %+v", last, s)
			}
			if !alive(p.pid) {
				t.Error("the first is gone")
			}
		}},
	}

	elsewhere := map[string]string{
		"fail-first": "TestFailFirst", "flap-under": "TestFlapUnder", "signal": "TestSignal", "core": "TestCore",
		"extend-stop": "TestExtendStop", "watchdog-miss": "TestWatchdogMiss",
		"notify-garbage": "TestNotifyGarbage", "node-garbage": "TestNodeGarbage",
	}
	for _, k := range kinds {
		i := slices.IndexFunc(tests, func(test struct {
			kind, options string
			check         func(*testing.T, *proc)
		}) bool {
			return test.kind == k.name
		})
		if i < 0 && elsewhere[k.name] == "" {
			t.Errorf("%s is not tested", k.name)
		}
	}
	for _, test := range tests {
		t.Run(test.kind, func(t *testing.T) {
			t.Parallel()
			test.check(t, run(t, test.kind+" "+test.options))
		})
	}
}

// checkLeft waits for n processes that live and ignore SIGTERM.
func checkLeft(t *testing.T, p *proc, n int) []int {
	t.Helper()
	pids := p.left(n)
	if len(pids) != n {
		t.Errorf("%d processes, want %d", len(pids), n)
	}
	for _, pid := range pids {
		if !alive(pid) || !ignores(pid, unix.SIGTERM) {
			t.Errorf("%d is dead or minds SIGTERM", pid)
		}
	}
	return pids
}

func atLeast(t *testing.T, begin time.Time, want time.Duration) {
	t.Helper()
	if took := time.Since(begin); took < want {
		t.Errorf("it took %v, want %v", took, want)
	}
}

func procFile(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Of many that start at the same time exactly --times fail.
func TestFailFirst(t *testing.T) {
	t.Parallel()
	const all, fail = 12, 5
	file := filepath.Join(t.TempDir(), "counter")
	var procs []*proc
	for range all {
		procs = append(procs, run(t, fmt.Sprintf("fail-first --file %s --times %d --code 9 --ready", file, fail)))
	}
	ready := 0
	for _, p := range procs {
		p.eventually("it is ready or dead", func() bool { return p.ended() || strings.HasSuffix(p.output(), "\n") })
		if p.output() == "ready\n" {
			ready++
			continue
		}
		p.exits(9)
	}
	if ready != all-fail {
		t.Errorf("%d are ready, want %d", ready, all-fail)
	}
	if info, err := os.Stat(file); err != nil || info.Size() != all {
		t.Errorf("the counter: %v, %v", info, err)
	}
}

// ended reports whether nothing more can be written.
func (p *proc) ended() bool {
	select {
	case <-p.eof:
		return true
	default:
		return false
	}
}

// It lives for less than --for. How much the machine adds is not known, so the
// best of some attempts counts.
func TestFlapUnder(t *testing.T) {
	t.Parallel()
	const limit = 500 * time.Millisecond
	var took []time.Duration
	for range 8 {
		p := run(t, fmt.Sprintf("flap-under --for %v --ready --code 4", limit))
		p.await("ready")
		ready := time.Now()
		p.exits(4)
		atLeast(t, p.begun, limit-limit/20)
		took = append(took, time.Since(ready))
		if slices.Min(took) < limit {
			return
		}
	}
	t.Errorf("it never lived for less than %v, but %v", limit, took)
}

func TestSignal(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{
		"KILL": unix.SIGKILL, "sigterm": unix.SIGTERM, "SIGSEGV": unix.SIGSEGV, "ABRT": unix.SIGABRT, "QUIT": unix.SIGQUIT,
		"SIGHUP": unix.SIGHUP, "USR1": unix.SIGUSR1, "BUS": unix.SIGBUS, "PIPE": unix.SIGPIPE, "9": unix.SIGKILL, "40": 40,
	} {
		p := run(t, "signal --signal "+name)
		p.dies(sig)
		if out := p.all(); out != "" { // no traceback
			t.Errorf("%s: output %q", name, out)
		}
	}
	for _, name := range []string{"CHLD", "SIGSTOP", "NOSUCH", "0", "65", "-9", ""} {
		cmd := prepare("signal")
		cmd.Args = append(cmd.Args, "--signal="+name)
		p := start(t, cmd)
		p.exits(2)
	}
}

func TestCore(t *testing.T) {
	t.Parallel()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Max == 0 {
		t.Skipf("core dumps are not allowed here: %+v, %v", limit, err)
	}
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || len(pattern) == 0 || strings.ContainsAny(string(pattern[:1]), "|/") {
		t.Skipf("the dump would not go to the working directory: core_pattern is %q, %v", pattern, err)
	}
	for _, sig := range []syscall.Signal{unix.SIGABRT, unix.SIGSEGV} {
		cmd := prepare("core --signal " + unix.SignalName(sig))
		cmd.Dir = t.TempDir()
		p := start(t, cmd)
		status := p.wait()
		if !status.CoreDump() || status.Signal() != sig {
			t.Errorf("%v: wait status %#x; output:\n%s", sig, status, p.output())
		}
		files, err := os.ReadDir(cmd.Dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		if info, err := files[0].Info(); err != nil || info.Size() > 1<<20 {
			t.Errorf("the dump is large: %v, %v", info, err)
		}
	}
}

// Whatever it does, it ends by itself.
func TestMax(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		left int
	}{
		{"ignore-term", 0}, {"busy", 0}, {"stop-self", 0}, {"endless-line --bytes 0 --rate 10kB", 0},
		{"setsid --n 3", 3}, {"double-fork", 1}, {"leave --n 2", 2}, {"fork-storm --n 4 --for 10ms", 4}, {"comet --n 4 --for 10ms", 4},
	}
	var procs []*proc
	for _, test := range tests {
		procs = append(procs, run(t, test.args+" --max 2s"))
	}
	for i, test := range tests {
		p := procs[i]
		pids := p.left(test.left)
		if strings.HasPrefix(test.args, "leave") {
			p.exits(0)
		} else {
			p.dies(unix.SIGKILL)
		}
		p.eventually(test.args+": those that were made are dead", func() bool { return !slices.ContainsFunc(pids, alive) })
		p.all()
		if took := time.Since(p.begun); took < 2*time.Second {
			t.Errorf("%s: ended after %v already", test.args, took)
		}
	}
}
