//go:build linux

package shim

import (
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// What is not asked for is as if there were no shim.
func TestUnchanged(t *testing.T) {
	signal.Ignore(unix.SIGUSR2, unix.SIGPIPE, unix.SIGTTOU)
	defer signal.Reset(unix.SIGUSR2, unix.SIGPIPE, unix.SIGTTOU)

	for name, p := range map[string]Program{
		"limits":  cat("/proc/self/limits"),
		"oom":     cat("/proc/self/oom_score_adj"),
		"argv":    {Path: "/bin/cat", Argv: []string{"not cat", "/proc/self/cmdline", "", "\xff"}[:2]},
		"files":   sh("ls -l /proc/self/fd | wc -l"),
		"nice":    sh("nice"),
		"session": sh("cut -d' ' -f5,6 /proc/self/stat"),
		"cwd":     {Path: "/bin/pwd", Argv: []string{"pwd"}},
		"dir":     {Path: "bin/pwd", Argv: []string{"pwd"}, Dir: "/"},
		"environ": {Path: "/bin/cat", Argv: []string{"cat", "/proc/self/environ"}, Env: []string{
			"Z=1", "GOMAXPROCS=3", "GODEBUG=inittrace=1", "A=\xff\n", "GOGC=5", "Z=2", "EMPTY=", "=", "LISTEN_PID=7", "LD_LIBRARY_PATH=/x"}},
		"no environ": {Path: "/bin/cat", Argv: []string{"cat", "/proc/self/environ"}},
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := direct(t, p, syscall.SysProcAttr{}).end(t)
			if got := output(t, p, Identity{}); got != want {
				t.Errorf("with the shim:\n%s\nwithout:\n%s", got, want)
			}
		})
	}

	t.Run("status", func(t *testing.T) {
		want, _ := direct(t, cat("/proc/self/status"), syscall.SysProcAttr{}).end(t)
		got := output(t, cat("/proc/self/status"), Identity{})
		for _, name := range []string{"Name:", "Umask:", "Uid:", "Gid:", "Groups:", "Threads:",
			"SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:",
			"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"} {
			if g, w := field(t, got, name), field(t, want, name); g != w {
				t.Errorf("%s %s with the shim, %s without", name, g, w)
			}
		}
		ignored, _ := strconv.ParseUint(field(t, got, "SigIgn:"), 16, 64)
		if ignored&(1<<(unix.SIGUSR2-1)) == 0 {
			t.Errorf("SIGUSR2 is not ignored: SigIgn is %x", ignored)
		}
	})
}

func TestCredentials(t *testing.T) {
	needRoot(t)
	for _, tt := range []struct {
		id   Identity
		want string // uid, gid, all groups
	}{
		{Identity{User: "nobody"}, "65534 65534 65534"},
		{Identity{User: "65534"}, "65534 65534 65534"},
		{Identity{User: "0065534", Groups: []string{"3", "daemon"}}, "65534 65534 65534 1 3"},
		{Identity{User: "nobody", Group: "daemon"}, "65534 1 1"},
		{Identity{User: "nobody", Groups: []string{}}, "65534 65534 65534"},
		{Identity{User: "61234", Group: "61235"}, "61234 61235 61235"},
		{Identity{User: "4294967294", Group: "4294967294"}, "4294967294 4294967294 4294967294"},
		{Identity{Group: "daemon", Groups: []string{}}, "0 1 1"},
		{Identity{Groups: []string{"7", "8"}}, "0 0 0 7 8"},
	} {
		t.Run(fmt.Sprintf("%+v", tt.id), func(t *testing.T) {
			const script = "echo $(id -u) $(id -g) $(id -G)"
			cred, shimNeeded, err := tt.id.Credential()
			if err != nil || shimNeeded {
				t.Fatalf("shim needed: %v, error: %v", shimNeeded, err)
			}
			out, _ := direct(t, sh(script), syscall.SysProcAttr{Credential: cred}).end(t)
			if got := strings.TrimSpace(out); got != tt.want {
				t.Errorf("by Credential: %s, want %s", got, tt.want)
			}
			if got := strings.TrimSpace(output(t, sh(script), tt.id)); got != tt.want {
				t.Errorf("by the shim: %s, want %s", got, tt.want)
			}
		})
	}

	// Real, effective, saved and file system id, and nothing of root's.
	status := output(t, cat("/proc/self/status"), Identity{User: "nobody"})
	for name, want := range map[string]string{
		"Uid:": "65534 65534 65534 65534", "Gid:": "65534 65534 65534 65534",
		"CapPrm:": "0000000000000000", "CapEff:": "0000000000000000",
	} {
		if got := field(t, status, name); got != want {
			t.Errorf("%s %s, want %s", name, got, want)
		}
	}
}

// A member of groups brings them along, as initgroups(3) does.
func TestSupplementaryGroups(t *testing.T) {
	needRoot(t)
	name, member := someMember(t)
	want, _ := direct(t, sh("id -G "+name), syscall.SysProcAttr{}).end(t)
	if got := output(t, sh("id -G"), Identity{User: name}); got != want {
		t.Errorf("%s, which is in %s, has the groups %s, want %s", name, member, got, want)
	}
}

// someMember finds a user who is in a group.
func someMember(t *testing.T) (name, group string) {
	t.Helper()
	all, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(all)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 4 && f[3] != "" {
			return strings.Split(f[3], ",")[0], f[0]
		}
	}
	t.Skip("no user of this machine is in a group")
	return "", ""
}

func TestLimits(t *testing.T) {
	needRoot(t)
	const mib = 1 << 20
	rows := map[string]string{ // as proc_pid_limits(5) names them
		"as": "Max address space", "core": "Max core file size", "cpu": "Max cpu time", "data": "Max data size",
		"fsize": "Max file size", "locks": "Max file locks", "memlock": "Max locked memory", "msgqueue": "Max msgqueue size",
		"nice": "Max nice priority", "nofile": "Max open files", "nproc": "Max processes", "rss": "Max resident set",
		"rtprio": "Max realtime priority", "rttime": "Max realtime timeout", "sigpending": "Max pending signals", "stack": "Max stack size",
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(resources)), slices.Sorted(maps.Keys(rows))); diff != "" {
		t.Fatal(diff)
	}
	id := Identity{User: "nobody"}
	soft := uint64(64 * mib)
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		soft += 4096 // they can be told from one another
		l := Rlimit{name, soft, soft + 4096}
		if name == "nofile" { // not above fs.nr_open
			l = Rlimit{name, 700, 777777}
		}
		if !mayRaise(t) {
			var now unix.Rlimit
			if err := unix.Getrlimit(resources[name], &now); err != nil {
				t.Fatal(err)
			}
			l.Hard = min(l.Hard, now.Max)
			l.Soft = min(l.Soft, l.Hard)
		}
		id.Limits = append(id.Limits, l)
	}
	out := output(t, cat("/proc/self/limits"), id)
	for _, l := range id.Limits {
		if got, want := field(t, out, rows[l.Resource]), fmt.Sprintf("%d %d", l.Soft, l.Hard); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %s, want %s", l.Resource, got, want)
		}
	}

	out = output(t, cat("/proc/self/limits"), Identity{Limits: []Rlimit{{"core", 0, Infinity}, {"cpu", Infinity, Infinity}}})
	if got := field(t, out, "Max core file size"); !strings.HasPrefix(got, "0 unlimited") {
		t.Errorf("core is %s, want 0 unlimited", got)
	}
	if got := field(t, out, "Max cpu time"); !strings.HasPrefix(got, "unlimited unlimited") {
		t.Errorf("cpu is %s, want unlimited unlimited", got)
	}
}

// Limits that a Go program could not live with are the program's, not the
// shim's.
func TestSmallLimits(t *testing.T) {
	needRoot(t)
	for _, limits := range [][]Rlimit{
		{{"as", 16 << 20, 16 << 20}},
		{{"data", 4 << 20, 4 << 20}},
		{{"nproc", 1, 1}},
		{{"nofile", 4, 4}},
		{{"stack", 256 << 10, 256 << 10}},
		{{"fsize", 0, 0}},
		{{"sigpending", 0, 0}},
		{{"memlock", 0, 0}},
	} {
		t.Run(limits[0].String(), func(t *testing.T) {
			for range 20 {
				id := Identity{User: "61234", Group: "61234", Limits: limits}
				if out := output(t, cat("/proc/self/comm"), id); out != "cat\n" {
					t.Fatalf("output is %q", out)
				}
			}
		})
	}
}

func TestSettings(t *testing.T) {
	needRoot(t)
	const script = "umask; nice; cat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status"
	score := 123
	if mayRaise(t) { // then it may also lower this
		score = -123
	}
	id := Identity{User: "nobody", Umask: set(0o137), Nice: set(-7), OOMScoreAdj: &score, NoNewPrivs: true}
	if got, want := output(t, sh(script), id), fmt.Sprintf("0137\n-7\n%d\nNoNewPrivs:\t1\n", score); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	id = Identity{Umask: set(0), Nice: set(0), OOMScoreAdj: set(1000)}
	if got, want := output(t, sh(script), id), "0000\n0\n1000\nNoNewPrivs:\t0\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestListenPID(t *testing.T) {
	p := sh("")
	p.Path, p.Argv = "/bin/cat", []string{"cat", "/proc/self/environ"}
	for _, tt := range []struct{ env, want []string }{
		{[]string{"A=1", "LISTEN_PID=3", "LISTEN_FDS=2"}, []string{"A=1", "LISTEN_PID=%d", "LISTEN_FDS=2"}},
		{[]string{"A=1"}, []string{"A=1", "LISTEN_PID=%d"}},
	} {
		p.Env = tt.env
		w, s := start(t, p, Identity{ListenPID: true})
		if err := w.Result(t.Context()); err != nil {
			t.Error(err)
		}
		out, _ := s.end(t)
		want := fmt.Sprintf(strings.Join(tt.want, "\x00")+"\x00", s.pid)
		if out != want {
			t.Errorf("environment is %q, want %q", out, want)
		}
		if tt.env[len(tt.env)-1] == "LISTEN_PID=" || len(p.Env) != len(tt.env) {
			t.Errorf("the caller's environment was changed: %q", p.Env)
		}
	}
}

// Extra files stay where they are, and there is nothing behind them.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	p := sh("cat <&3; cat <&5; ls /proc/self/fd")
	closed := ^uintptr(0)
	for i, name := range []string{"three", "", "five"} {
		if name == "" {
			p.Files = append(p.Files, closed)
			continue
		}
		path := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p.Files = append(p.Files, f.Fd())
	}
	got := output(t, p, Identity{Umask: set(0)})
	list, _ := direct(t, p, syscall.SysProcAttr{}).end(t) // now the files have been read
	if want := "three\nfive\n" + list; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The order does not fit in the socket.
func TestLargeEnvironment(t *testing.T) {
	p := sh("env | wc -c")
	for i := range 15 {
		p.Env = append(p.Env, fmt.Sprintf("V%d=%s", i, strings.Repeat("x", 100_000)))
	}
	n, err := strconv.Atoi(strings.TrimSpace(output(t, p, Identity{Umask: set(0)})))
	if err != nil || n < 1_500_000 {
		t.Errorf("%d bytes of environment arrived (%v), want 1500000", n, err)
	}
}
