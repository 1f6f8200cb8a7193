//go:build linux

package worker

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSpawnErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := file("plain", "x", 0o644)
	noInterp := file("no-interp", "#!/no/such/interp -x\n", 0o755)
	crlf := file("crlf", "#!/bin/sh\r\n", 0o755)
	badInterp := file("bad-interp", "#! "+plain+"\n", 0o755)
	garbage := file("garbage", "garbage", 0o755)
	busy := file("busy", "#!/bin/sh\n", 0o755)
	writer, err := os.OpenFile(busy, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	t.Setenv("PATH", ".:"+os.Getenv("PATH"))
	t.Chdir(dir)

	for _, tt := range []struct {
		cmd   Command
		cause error
		want  string // what follows "cannot start PATH: "
	}{
		{Command{Path: "no-such-program"}, exec.ErrNotFound,
			`no such program in PATH: install it, or give its full path (exec: "no-such-program": executable file not found in $PATH)`},
		{Command{Path: "garbage"}, exec.ErrDot,
			`it was found only in the current directory, where it is not looked for: write ./garbage if that is meant (exec: "garbage": cannot run executable found relative to current directory)`},
		{Command{Path: "/no/such/program"}, syscall.ENOENT,
			"there is no file /no/such/program: correct Path (no such file or directory)"},
		{Command{Path: "./x", Dir: dir}, syscall.ENOENT,
			"there is no file " + dir + "/x: correct Path (no such file or directory)"},
		{Command{Path: plain + "/x"}, syscall.ENOTDIR,
			plain + "/x cannot be reached: correct Path, or the permissions on the way to it (not a directory)"},
		{Command{Path: plain}, syscall.EACCES,
			plain + " is not executable: chmod +x it (permission denied)"},
		{Command{Path: dir}, syscall.EACCES,
			dir + " is a directory: name the program in it (permission denied)"},
		{Command{Path: "/proc/self/exe", Dir: "/no/such/dir"}, syscall.ENOENT,
			"its working directory /no/such/dir does not exist: create it, or correct Dir (no such file or directory)"},
		{Command{Path: "/proc/self/exe", Dir: plain}, syscall.ENOTDIR,
			"its working directory " + plain + " is not a directory: correct Dir (not a directory)"},
		{Command{Path: busy}, syscall.ETXTBSY,
			"it is open for writing: try again when its writer is done, and replace programs by renaming a new file over them (text file busy)"},
		{Command{Path: noInterp}, syscall.ENOENT,
			`the interpreter "/no/such/interp" in the first line of ` + noInterp + " does not exist: install it, or correct the line (no such file or directory)"},
		{Command{Path: crlf}, syscall.ENOENT,
			`the interpreter "/bin/sh\r" in the first line of ` + crlf + " does not exist: install it, or correct the line (no such file or directory)"},
		{Command{Path: badInterp}, syscall.EACCES,
			`the interpreter "` + plain + `" in the first line of ` + badInterp + " is not executable: correct the line (permission denied)"},
		{Command{Path: garbage}, syscall.ENOEXEC,
			garbage + " is neither a program for this machine nor a script that begins with #! (exec format error)"},
		{Command{Path: "/proc/self/exe", Args: []string{strings.Repeat("x", 1<<20)}}, syscall.E2BIG,
			"its arguments and environment are too long together: shorten them, or raise RLIMIT_STACK (ulimit -s), of which they may fill a quarter (argument list too long)"},
	} {
		before := openFiles(t)
		p, err := tt.cmd.Process()
		if err != nil {
			t.Fatal(err)
		}
		err = p.Init(quiet())
		if got, want := fmt.Sprint(err), "cannot start "+tt.cmd.Path+": "+tt.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		var spawn *SpawnError
		if !errors.Is(err, tt.cause) || !errors.As(err, &spawn) || spawn.Path != tt.cmd.Path || spawn.Dir != tt.cmd.Dir {
			t.Errorf("%s: %#v", tt.cmd.Path, err)
		}
		if now := openFiles(t); now != before {
			t.Errorf("%s: %d open files, before %d", tt.cmd.Path, now, before)
		}
	}
	if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %v", err)
	}
}

// The limits of the machine, told by a launcher that hits them.
func TestResourceErrors(t *testing.T) {
	defer func(l func(*spawner, *program) (launched, error)) { launch = l }(launch)
	for errno, want := range map[syscall.Errno]string{
		unix.EMFILE: "RLIMIT_NOFILE",
		unix.ENFILE: "fs.file-max",
		unix.EAGAIN: "RLIMIT_NPROC",
		unix.ENOMEM: "no memory",
	} {
		before := openFiles(t)
		launch = func(*spawner, *program) (launched, error) { return launched{}, errno }
		p, _ := with(self("sleep"), func(c *Command) { c.SpawnLimit = -1 }).Process()
		if err := p.Init(quiet()); !errors.Is(err, errno) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", errno, err, want)
		}
		if now := openFiles(t); now != before {
			t.Errorf("%v: %d open files, before %d", errno, now, before)
		}
	}
}

// Out of descriptors at every step of a spawn: an error each time, and no leak.
func TestOutOfDescriptors(t *testing.T) {
	r := start(t, self("starve"))
	if err := r.end(); err != nil || r.log.count("info: failed, then not") != 1 || len(r.log.all()) != 1 {
		t.Errorf("%v; log:\n%s", err, r.log)
	}
}

// starve is a host whose descriptors run out, one more each time.
func starve() {
	first, err := self("exit", 0).Process() // what is opened only once is open
	if err == nil {
		err = first.Serve(quiet())
	}
	if err != nil {
		fmt.Println("cannot start at all:", err)
		return
	}
	used := len(descriptors())
	outcome := ""
	for room := range 10 {
		// Numbers from the limit on are refused.
		lim := unix.Rlimit{Cur: uint64(freeNumber(room)), Max: 4096}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
			fmt.Println("setrlimit:", err)
			return
		}
		p, _ := with(self("exit", 0), func(c *Command) { c.SpawnLimit = -1 }).Process()
		if err := p.Serve(quiet()); err != nil {
			if !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "RLIMIT_NOFILE") {
				fmt.Println("odd:", err)
			}
			outcome += "f"
		} else {
			outcome += "n"
		}
		lim.Cur = 4096
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &lim)
		if now := len(descriptors()); now != used {
			fmt.Printf("%d open files, before %d\n", now, used)
		}
	}
	if strings.HasPrefix(outcome, "fffff") && strings.HasSuffix(outcome, "n") && !strings.Contains(outcome, "nf") {
		outcome = "failed, then not"
	}
	fmt.Println(outcome)
}

// freeNumber is the descriptor that is opened after n others.
func freeNumber(n int) int {
	for fd := 0; ; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			if n == 0 {
				return fd
			}
			n--
		}
	}
}

func TestCommandIsValidated(t *testing.T) {
	for _, tt := range []struct {
		cmd  Command
		want string
	}{
		{Command{}, `worker: command "": Path is empty: name the program to run`},
		{Command{Path: "a", Args: []string{"b\x00"}}, `worker: command "a": Path, Args, Dir, Env and StopCommand cannot contain a NUL byte`},
		{Command{Path: "a", Env: []string{"HOME"}}, `worker: command "a": Env has "HOME": entries have the form "key=value"`},
		{Command{Path: "a", StopSignal: 65}, `worker: command "a": StopSignal is 65: signals are 1 to 64`},
		{Command{Path: "a", StopSignal: syscall.SIGKILL}, `worker: command "a": StopSignal is SIGKILL: shut the child down with BrutalKill instead`},
		{Command{Path: "a", StopSignal: unix.SIGSTOP}, `worker: command "a": StopSignal is SIGSTOP, which ends nothing`},
		{Command{Path: "a", SuccessCodes: []int{256}, MaxLine: -1}, `worker: command "a": SuccessCodes has 256: exit codes are 0 to 255` +
			"\nMaxLine is -1: give a number of bytes, or zero for 65536"},
	} {
		if _, err := tt.cmd.Process(); fmt.Sprint(err) != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

func TestCommandIsCopied(t *testing.T) {
	cmd := self("exit", 0)
	p, err := cmd.Process()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args[1], cmd.Env[0] = "1", "X=Y"
	if err := p.Serve(quiet()); err != nil {
		t.Error(err)
	}
}
