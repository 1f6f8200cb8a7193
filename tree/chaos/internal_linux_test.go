package chaos

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sh runs a script as if it was a child of a tree, in a session of its own, and
// returns the first line that it writes.
func sh(t *testing.T, path string, incarnation int, script string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "COPPICE_CHILD="+path, fmt.Sprint("COPPICE_INCARNATION=", incarnation), fmt.Sprint("COPPICE_SUPERVISOR=", os.Getpid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be dead
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, strings.TrimSpace(line)
}

// TestSampler: what is found of a tree in /proc, and what is not.
func TestSampler(t *testing.T) {
	m := newSampler(os.Getpid(), "t")
	if m == nil {
		t.Skip("there is no /proc")
	}
	leader, line := sh(t, "t/a", 7, "sleep 60 & echo $!; wait")
	grandchild, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(grandchild, syscall.SIGKILL) })
	sh(t, "other/a", 1, "echo; exec sleep 60")
	sh(t, "tt/a", 1, "echo; exec sleep 60")

	look := func() (all []string) {
		t.Helper()
		s, err := m.look()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Processes {
			who := "?"
			switch p.PID {
			case leader.Process.Pid:
				who = "leader"
			case grandchild:
				who = "grandchild"
			}
			all = append(all, fmt.Sprintf("%s %s#%d %v", who, p.Path, p.Incarnation, p.Leader))
		}
		slices.Sort(all)
		return all
	}
	if got, want := look(), []string{"grandchild t/a#7 false", "leader t/a#7 true"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// Its parent dies: nobody descends from us any more, but it was seen.
	if err := leader.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = leader.Wait() // it was killed
	if got, want := look(), []string{"grandchild t/a#7 false"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// A sampler that begins now finds it by the parent it has now.
	m = newSampler(os.Getpid(), "t")
	if got, want := look(), []string{"grandchild t/a#7 false"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Two incarnations in one sample are two that live at the same time, and a zombie
// is none that lives.
func TestSamplerSettles(t *testing.T) {
	m := newSampler(os.Getpid(), "t")
	old, _ := sh(t, "t/a", 1, "echo; exec sleep 60")
	sh(t, "t/a", 2, "echo; exec sleep 60")
	s, err := m.look()
	for end := time.Now().Add(10 * time.Second); err == nil && len(s.Processes) != 2 && time.Now().Before(end); { // one that executes sleep is nobody for a moment
		s, err = m.look()
	}
	if err != nil || len(s.Processes) != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := old.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitZombie(t, old.Process.Pid)
	m.settle(&s)
	if len(s.Processes) != 1 || s.Processes[0].Incarnation != 2 {
		t.Errorf("%+v", s.Processes)
	}
	if r := resources(os.Getpid()); r == nil || r.Zombies < 1 || r.FDs < 3 || r.Threads < 1 || r.Goroutines < 2 || r.RSS < 1<<20 {
		t.Errorf("%+v", r)
	}
}

// awaitZombie waits until a process is dead, without reaping it.
func awaitZombie(t *testing.T, pid int) {
	t.Helper()
	end := time.Now().Add(10 * time.Second)
	for {
		if s, ok := readStat(pid); !ok || s.dead() {
			return
		}
		if time.Now().After(end) {
			t.Fatal("it does not die")
		}
		time.Sleep(time.Millisecond) // there is no event short of reaping it
	}
}

// A signal is for the process that is meant, or for nobody.
func TestOpenProcess(t *testing.T) {
	cmd, _ := sh(t, "t/a", 1, "echo; exec sleep 60")
	pid := cmd.Process.Pid
	if _, err := openProcess(pid, func() (bool, error) { return false, nil }); err != errGone {
		t.Errorf("one that is not meant: %v", err)
	}
	h, err := openProcess(pid, func() (bool, error) { return true, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	if err := h.send(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	if err := h.send(syscall.SIGCONT); err != errGone {
		t.Errorf("one that is gone: %v", err)
	}
	if _, err := openProcess(pid, func() (bool, error) { return true, nil }); err != errGone {
		t.Errorf("one that is gone: %v", err)
	}
}
