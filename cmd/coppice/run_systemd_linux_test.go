package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// The service manager hears when the tree is up, that it is alive, that it
// reads its file again, and that it stops; the programs hear nothing of the service manager.
func TestRunNotifies(t *testing.T) {
	dir, err := os.MkdirTemp("", "cop")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "notify"))
	t.Setenv("WATCHDOG_USEC", "200000")
	hear := func(want string) {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for b := make([]byte, 4096); ; {
			n, err := socket.Read(b)
			if err != nil {
				t.Fatalf("%s: %v", want, err)
			}
			if slices.Contains(strings.Split(string(b[:n]), "\n"), want) {
				return
			}
		}
	}
	r := runTree(t, "name: shop\nchildren: [{id: a, shell: 'echo \"socket:$NOTIFY_SOCKET.\"; exec sleep 1000', ready: {log: socket}}]")
	hear("READY=1")
	hear("WATCHDOG=1")
	hear("WATCHDOG=1")
	r.await(1, `shop/a.* \| socket:\.$`)
	r.signal(syscall.SIGHUP)
	hear("RELOADING=1")
	hear("READY=1")
	r.signal(syscall.SIGTERM)
	hear("STOPPING=1")
	if status := r.wait(); status != exit.Clean {
		t.Errorf("exit status %d", status)
	}
}

// As the init of a container: orphans are reaped, and a stop leaves nobody.
func TestRunAsInit(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.Command(unshare, "--pid", "--fork", "--mount-proc", "true").Run()
	}
	if err != nil {
		t.Skipf("no PID namespace can be made: %v", err)
	}
	coppicePath, err := exec.LookPath("coppice")
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, "tree.yaml", `
name: box
intensity: {max: 100, within: 1s}
children:
  - {id: orphans, command: [coppice, misbehave, double-fork, --n, 3, --ready], ready: {log: ready}, stop: {timeout: 1s}}
  - {id: last, shell: 'echo "i am $$, init is $(cat /proc/1/comm)"; (sleep 0.1 &); exec sleep 1000', ready: {log: init}}
`)
	cmd := exec.Command(unshare, "--pid", "--fork", "--mount-proc", coppicePath, "run", "--no-control", file)
	var log strings.Builder
	cmd.Stderr = &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The init is the child of unshare; it is up when its last program is.
	var init int
	for deadline := time.Now().Add(patience); init == 0; time.Sleep(10 * time.Millisecond) {
		if pids := descendants(t, cmd.Process.Pid, 3); len(pids) >= 4 {
			init = pids[0]
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not start")
		}
	}
	pids := descendants(t, cmd.Process.Pid, 10)
	_ = syscall.Kill(init, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v:\n%s", err, &log)
	}
	if !strings.Contains(log.String(), "box has stopped") {
		t.Errorf("the log says\n%s", &log)
	}
	for _, pid := range pids {
		waitGone(t, pid)
	}
}
