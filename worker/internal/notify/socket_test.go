//go:build linux

package notify

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary runs itself as another process: with roleVar set it plays a
// role.
const roleVar = "COPPICE_NOTIFY_TEST_ROLE"

// patience bounds every wait for something that ought to happen at once.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "":
		goleak.VerifyTestMain(m)
	case "say": // what is in SAY, to NOTIFY_SOCKET
		if sent, err := daemon.SdNotify(false, os.Getenv("SAY")); !sent || err != nil {
			fmt.Fprintln(os.Stderr, sent, err)
			os.Exit(1)
		}
	case "hold": // a socket, until stdin ends
		s, err := Listen("")
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.Path())
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err := s.Close(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
}

// self is the test binary in a role. The path is one that other users can take.
func self(role string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), roleVar+"="+role, "GORACE=atexit_sleep_ms=0"), env...)
	return cmd
}

// own is a socket in a directory of the test.
func own(t *testing.T) *Socket {
	t.Helper()
	s, err := Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func receiveWithin(t *testing.T, s *Socket) Message {
	t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	m, err := s.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func fds(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestGoSystemd(t *testing.T) {
	s := own(t)
	t.Setenv("NOTIFY_SOCKET", s.Path())
	for _, tt := range []struct {
		state string
		want  Message
	}{
		{daemon.SdNotifyReady, Message{Ready: true}},
		{daemon.SdNotifyStopping, Message{Stopping: true}},
		{daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec(), Message{Reloading: true}},
		{daemon.SdNotifyWatchdog, Message{Watchdog: true}},
		{daemon.SdNotifyReady + "\nSTATUS=of 3\nERRNO=0", Message{Ready: true, Status: new("of 3"), Errno: new(0)}},
		{strings.Repeat("READY=1\n", 1000), Message{Problems: []string{"longer than 4096 bytes: the message is ignored"}}},
	} {
		if sent, err := daemon.SdNotify(false, tt.state); !sent || err != nil {
			t.Fatalf("send %.40q: %v, %v", tt.state, sent, err)
		}
		tt.want.PID = os.Getpid()
		if diff := cmp.Diff(tt.want, receiveWithin(t, s)); diff != "" {
			t.Errorf("%.40q (-want +got):\n%s", tt.state, diff)
		}
	}
}

func TestSenderOfEachMessage(t *testing.T) {
	s := own(t)
	for range 3 { // each is gone before its message is read
		cmd := self("say", "NOTIFY_SOCKET="+s.Path(), "SAY=READY=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if m := receiveWithin(t, s); !m.Ready || m.PID != cmd.Process.Pid {
			t.Errorf("got %+v, want READY=1 of pid %d", m, cmd.Process.Pid)
		}
	}
}

// systemd-notify sends a barrier after its message and waits for the answer.
func TestSystemdNotify(t *testing.T) {
	path, err := exec.LookPath("systemd-notify")
	if err != nil {
		t.Skip("systemd-notify is not installed")
	}
	s := own(t)
	cmd := exec.Command(path, "--ready", "--status=made of two words", "WATCHDOG_USEC=5000000")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+s.Path())
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got []Message
	for len(got) == 0 || !got[len(got)-1].Barrier && len(got) < 3 {
		m := receiveWithin(t, s)
		m.PID = 0 // systemd-notify may speak in its parent's name
		got = append(got, m)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("systemd-notify: %v: %s", err, out.String())
	}
	want := []Message{{Ready: true, Status: new("made of two words"), WatchdogEvery: new(5 * time.Second)}, {Barrier: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// send sends from a socket of its own, with descriptors.
func send(t *testing.T, s *Socket, text string, fds ...int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	if err := unix.Sendmsg(fd, []byte(text), oob, &unix.SockaddrUnix{Name: s.Path()}, 0); err != nil {
		t.Error(err)
	}
}

func TestBarrier(t *testing.T) {
	s := own(t)
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	// As sd_notify_barrier(3) does: the other end of the pipe hangs up when
	// the receiver closes its descriptor.
	answered := func() bool {
		poll := []unix.PollFd{{Fd: int32(p[0])}}
		if _, err := unix.Poll(poll, 0); err != nil {
			t.Fatal(err)
		}
		return poll[0].Revents&unix.POLLHUP != 0
	}
	send(t, s, "READY=1")
	send(t, s, "BARRIER=1", p[1])
	unix.Close(p[1])

	if m := receiveWithin(t, s); !m.Ready {
		t.Fatalf("first is %+v, want READY=1", m)
	}
	if answered() {
		t.Fatal("the barrier is open although it was not received")
	}
	if m := receiveWithin(t, s); !m.Barrier {
		t.Fatalf("second is %+v, want the barrier", m)
	}
	if !answered() {
		t.Error("Receive returned with the barrier, and its descriptor is still open")
	}
}

func TestDescriptorsAreNotKept(t *testing.T) {
	s := own(t)
	for n := range 3 { // the first turns on what Go keeps open for itself
		before := fds(t)
		for _, count := range []int{1, 2, 253} { // SCM_MAX_FD
			many := make([]int, count)
			for i := range many {
				many[i] = 2 // stderr
			}
			send(t, s, "FDSTORE=1\nREADY=1", many...)
			if m := receiveWithin(t, s); !m.Ready || m.PID != os.Getpid() {
				t.Errorf("with %d descriptors: %+v, want READY=1 of pid %d", count, m, os.Getpid())
			}
		}
		if after := fds(t); n > 0 && after != before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
	}
}

func TestCloseWakesReceive(t *testing.T) {
	s := own(t)
	errs := make(chan error)
	for range 3 {
		go func() {
			_, err := s.Receive()
			errs <- err
		}()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-errs; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Receive: %v, want net.ErrClosed", err)
		}
	}
	if _, err := s.Receive(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Receive after Close: %v, want net.ErrClosed", err)
	}
	if _, err := os.Lstat(s.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", s.Path(), err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestModeOfSocket(t *testing.T) {
	dir := t.TempDir()
	old := unix.Umask(0)
	s, err := Listen(dir)
	unix.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info, err := os.Lstat(s.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has %v, %v; want mode 0600", info.Mode(), err)
	}
}

func TestReceiveTakesNoThread(t *testing.T) {
	const n = 300
	threads := func() int {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		return len(tasks)
	}
	before := threads()
	var all []*Socket
	var wg sync.WaitGroup
	for range n {
		s, err := Listen("")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
		wg.Go(func() {
			if _, err := s.Receive(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Receive: %v, want net.ErrClosed", err)
			}
		})
	}
	stacks := make([]byte, 4<<20)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		parked := strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "[IO wait")
		if parked >= n {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d wait for input", parked, n)
		}
	}
	with := threads()
	t.Logf("%d OS threads before, %d with %d goroutines in Receive", before, with, n)
	if with > before+10 {
		t.Errorf("%d threads more", with-before)
	}
	for _, s := range all {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func TestThousandSocketsLeaveNothing(t *testing.T) {
	warm, err := Listen("") // what the runtime opens once
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(warm.Path())
	if err := warm.Close(); err != nil {
		t.Fatal(err)
	}
	before := fds(t)
	var wg sync.WaitGroup
	for range 5 { // so that the directory comes and goes under the feet of others
		wg.Go(func() {
			for range 200 {
				s, err := Listen("")
				if err != nil {
					t.Error(err)
					return
				}
				send(t, s, "READY=1")
				if m, err := s.Receive(); err != nil || !m.Ready {
					t.Errorf("got %+v, %v; want READY=1", m, err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if after := fds(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), fmt.Sprintf("coppice-notify-%d-*", os.Getpid())))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root to be another user")
	}
	const nobody, somebody = 65534, 65533
	as := func(s *Socket, uid uint32) error {
		cmd := self("say", "NOTIFY_SOCKET="+s.Path(), "SAY=READY=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(string(out), "permission denied") {
			t.Fatalf("as user %d: %v: %s", uid, err, out)
		}
		return err
	}
	s, err := Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if as(s, nobody) == nil {
		t.Error("another user was let without being asked for")
	}
	if err := s.Allow(nobody); err != nil {
		t.Fatal(err)
	}
	if err := as(s, nobody); err != nil {
		t.Errorf("the user that was let: %v", err)
	} else if m := receiveWithin(t, s); !m.Ready {
		t.Errorf("got %+v, want READY=1", m)
	}
	if as(s, somebody) == nil {
		t.Error("a third user was let")
	}
	if err := as(s, 0); err != nil {
		t.Errorf("root: %v", err)
	}

	// A place that nobody can get to: t.TempDir is in a directory of root's.
	hidden := own(t)
	want := fmt.Sprintf("user %d cannot reach %s", nobody, hidden.Path())
	if err := hidden.Allow(nobody); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Allow in a directory that is closed: %v, want %q", err, want)
	}
	if as(hidden, nobody) == nil {
		t.Error("it could be reached after all")
	}
}
