//go:build linux

package notify

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// holder is another process with a socket.
type holder struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	path  string
}

func hold(t *testing.T) *holder {
	t.Helper()
	h := &holder{cmd: self("hold")}
	h.stdin, _ = h.cmd.StdinPipe()
	stdout, _ := h.cmd.StdoutPipe()
	h.cmd.Stderr = os.Stderr
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // if the test did not
		h.cmd.Process.Kill()
		h.cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "/") {
		t.Fatalf("the other process has no socket: %q, %v", line, err)
	}
	h.path = strings.TrimSpace(line)
	return h
}

func (h *holder) end(t *testing.T) {
	t.Helper()
	h.stdin.Close()
	if err := h.cmd.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestLeftOversOfTheDead(t *testing.T) {
	dead, alive := hold(t), hold(t)
	if err := dead.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.cmd.Wait()
	if !exists(dead.path) {
		t.Fatal("a process that was killed left nothing: there is nothing to test")
	}

	next := hold(t)
	if dir := filepath.Dir(dead.path); exists(dir) {
		t.Errorf("%s of a dead process is still there", dir)
	}
	if !exists(alive.path) {
		t.Errorf("%s of a living process was removed", alive.path)
	}
	for _, h := range []*holder{alive, next} {
		h.end(t)
		if dir := filepath.Dir(h.path); exists(dir) {
			t.Errorf("%s is still there after the last Close", dir)
		}
	}
}

// Nothing but what is certainly ours is removed.
func TestSweepIsCareful(t *testing.T) {
	base := t.TempDir()
	keep := []string{
		"coppice-notify-1-1/data",        // not a socket: and so the directory stays
		"coppice-notify-1-2x/1-1.sock",   // not our kind of name
		"coppice-notify-1/1-1.sock",      //
		"xcoppice-notify-1-1/1-1.sock",   //
		"coppice-notify-1-3/1-1.sock",    // our kind of name, and a regular file
		"coppice-notify-1-4/sub/1-1.soc", // deeper
	}
	for _, name := range keep {
		name = filepath.Join(base, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	target := t.TempDir()
	if err := errors.Join(os.Symlink(target, filepath.Join(base, "coppice-notify-1-5")),
		os.WriteFile(filepath.Join(base, "coppice-notify-1-6"), nil, 0o600),
		os.Mkdir(filepath.Join(base, "coppice-notify-1-7"), 0o700)); err != nil {
		t.Fatal(err)
	}
	keep = append(keep, "coppice-notify-1-5", "coppice-notify-1-6")

	sweep(base)
	for _, name := range keep {
		if !exists(filepath.Join(base, name)) {
			t.Errorf("%s was removed", name)
		}
	}
	if !exists(target) {
		t.Error("the target of a symbolic link was removed")
	}
	if exists(filepath.Join(base, "coppice-notify-1-7")) {
		t.Error("an empty directory of a dead run is still there")
	}
	sweep(filepath.Join(base, "no such directory"))
}

func TestWhereSocketsGo(t *testing.T) {
	check := func(t *testing.T, dir, want string) { // "": in the directory of the process
		t.Helper()
		s, err := Listen(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if parent := filepath.Dir(s.Path()); want != "" && parent != want {
			t.Errorf("the socket is in %s, want %s", parent, want)
		} else if base := filepath.Dir(parent); want == "" && !(homeName.MatchString(filepath.Base(parent)) && slices.Contains(bases(), base)) {
			t.Errorf("the socket is in %s, want a directory of this process in one of %v", parent, bases())
		}
		if len(s.Path()) > maxPath || !filepath.IsAbs(s.Path()) {
			t.Errorf("%s cannot be the address of a socket", s.Path())
		}
		send(t, s, "READY=1")
		if m := receiveWithin(t, s); !m.Ready {
			t.Errorf("got %+v, want READY=1", m)
		}
	}
	t.Run("in the directory of the process", func(t *testing.T) {
		check(t, "", "")
	})
	t.Run("in one that is given", func(t *testing.T) {
		dir := t.TempDir()
		check(t, dir, dir)
	})
	t.Run("in one that is given by a relative path", func(t *testing.T) {
		t.Chdir(t.TempDir())
		dir, _ := os.Getwd()
		check(t, ".", dir)
	})
	t.Run("one that is given is too deep", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		check(t, dir, "")
	})
	t.Run("the first place is too deep", func(t *testing.T) {
		short, err := os.MkdirTemp("", "c") // t.TempDir has the name of the test in it
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(short)
		deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
		if err := os.Mkdir(deep, 0o700); err != nil {
			t.Fatal(err)
		}
		d, err := makeRuntimeDir([]string{deep, short})
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(d.path) != short {
			t.Errorf("made %s, want one in %s", d.path, short)
		}
		if err := d.remove(); err != nil || exists(d.path) {
			t.Errorf("remove: %v", err)
		}
	})
}

func TestPlacesThatCannotBeTrusted(t *testing.T) {
	tmp := t.TempDir()
	open := filepath.Join(tmp, "open")
	file := filepath.Join(tmp, "file")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{
		open:                         "others could replace what is in it",
		file:                         "is not a directory",
		filepath.Join(tmp, "absent"): "no such file or directory",
	}
	if os.Geteuid() == 0 {
		theirs := filepath.Join(tmp, "theirs")
		if err := errors.Join(os.Mkdir(theirs, 0o700), os.Chown(theirs, 65534, -1)); err != nil {
			t.Fatal(err)
		}
		refused[theirs] = "belongs to user 65534"
	}
	for dir, why := range refused {
		if s, err := Listen(dir); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("Listen(%s): %v, %v; want an error with %q", dir, s, err, why)
		}
		if _, err := makeRuntimeDir([]string{dir}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("a directory in %s: %v, want %q", dir, err, why)
		}
	}
	if err := os.Chmod(open, 0o777|fs.ModeSticky); err != nil { // as /tmp is
		t.Fatal(err)
	}
	s, err := Listen(open)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// A cleaner of temporary files took the directory away.
func TestDirectoryIsGone(t *testing.T) {
	first, err := Listen("")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(first.Path())); err != nil {
		t.Fatal(err)
	}
	second, err := Listen("")
	if err != nil {
		t.Fatalf("after the directory was removed: %v", err)
	}
	send(t, second, "READY=1")
	if m := receiveWithin(t, second); !m.Ready {
		t.Errorf("got %+v, want READY=1", m)
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Error(err)
	}
	if dir := filepath.Dir(second.Path()); exists(dir) {
		t.Errorf("%s is still there", dir)
	}
}

// Between the making of a directory and its locking another process may take it
// for one of the dead.
func TestOthersSweepMeanwhile(t *testing.T) {
	base := t.TempDir()
	if err := os.Chmod(base, 0o700); err != nil {
		t.Fatal(err)
	}
	done, sweeper := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sweeper)
		for {
			select {
			case <-done:
				return
			default:
				sweep(base)
			}
		}
	}()
	for range 500 {
		d, err := makeRuntimeDir([]string{base})
		if err != nil {
			t.Error(err)
			break
		}
		if !d.there() {
			t.Errorf("%s was removed under the feet of its owner", d.path)
		}
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	<-sweeper
}
