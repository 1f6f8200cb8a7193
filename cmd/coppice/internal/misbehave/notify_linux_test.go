package misbehave

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// receiver is the supervisor's end of NOTIFY_SOCKET.
type receiver struct {
	t    *testing.T
	conn *net.UnixConn
}

// receive has cmd notify it.
func receive(t *testing.T, cmd *exec.Cmd) *receiver {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	cmd.Env = append(os.Environ(), notifySocket+"="+path)
	return &receiver{t, conn}
}

// next waits for a datagram; false if none comes within the time.
func (r *receiver) next(within time.Duration) (string, int, bool) {
	r.t.Helper()
	if err := r.conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		r.t.Fatal(err)
	}
	b, oob := make([]byte, 128<<10), make([]byte, unix.CmsgSpace(16*4))
	n, oobn, _, _, err := r.conn.ReadMsgUnix(b, oob)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", 0, false
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b[:n]), closeRights(r.t, oob[:oobn]), true
}

// closeRights closes the descriptors that came along, and counts them.
func closeRights(t *testing.T, oob []byte) (n int) {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			unix.Close(fd)
			n++
		}
	}
	return n
}

func (r *receiver) expect(want string) {
	r.t.Helper()
	if got, _, _ := r.next(patience); got != want {
		r.t.Errorf("got %q, want %q", got, want)
	}
}

func TestExtendStop(t *testing.T) {
	t.Parallel()
	cmd := prepare("extend-stop --for 700ms --ready")
	r := receive(t, cmd)
	p := start(t, cmd)
	r.expect("READY=1")
	p.await("ready")
	begin := time.Now()
	p.signal(unix.SIGTERM)
	r.expect("STOPPING=1")
	r.expect("EXTEND_TIMEOUT_USEC=1000000")
	r.expect("EXTEND_TIMEOUT_USEC=1000000")
	p.exits(0)
	atLeast(t, begin, 700*time.Millisecond)
}

func TestWatchdogMiss(t *testing.T) {
	t.Parallel()
	cmd := prepare("watchdog-miss --for 400ms")
	r := receive(t, cmd)
	cmd.Env = append(cmd.Env, watchdogUsec+"=40000")
	p := start(t, cmd)
	r.expect("READY=1")
	begin := time.Now()
	pings := 0
	for {
		s, _, ok := r.next(300 * time.Millisecond)
		if !ok && pings > 0 && time.Since(begin) > 400*time.Millisecond {
			break
		}
		if ok && s != "WATCHDOG=1" {
			t.Fatalf("got %q", s)
		}
		if ok {
			pings++
		}
		if time.Since(begin) > patience {
			t.Fatalf("%d pings and no end", pings)
		}
	}
	if pings < 2 || pings > 21 { // every 20 ms for 400 ms
		t.Errorf("%d pings", pings)
	}
	p.staysAlive()
}

func TestNotifyGarbage(t *testing.T) {
	t.Parallel()
	cmd := prepare("notify-garbage --ready")
	r := receive(t, cmd)
	p := start(t, cmd)
	var got []string
	for {
		s, fds, ok := r.next(patience)
		if !ok {
			t.Fatalf("only %d datagrams came; output:\n%s", len(got), p.output())
		}
		if s == "X_UNASKED=1" {
			if fds != 3 {
				t.Errorf("%d descriptors came", fds)
			}
			break
		}
		if slices.Contains(strings.Split(s, "\n"), "READY=1") {
			t.Errorf("%q says that it is ready", s)
		}
		got = append(got, s)
	}
	if !slices.Equal(got, notifyNonsense) {
		t.Errorf("got %d datagrams, want %d", len(got), len(notifyNonsense))
	}
	r.expect("READY=1") // because of --ready
}

func TestNodeGarbage(t *testing.T) {
	t.Parallel()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	cmd := prepare("node-garbage --ready")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(os.Environ(), nodeChannel+"=3")
	p := start(t, cmd)
	theirs.Close()
	want := []byte(strings.Join(nodeNonsense, ""))
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		k, err := ours.Read(got[n:])
		if err != nil {
			t.Fatalf("after %d bytes: %v; output:\n%s", n, err, p.output())
		}
		n += k
	}
	if !bytes.Equal(got, want) || slices.Contains(strings.Split(string(got), "\n"), `"ready"`) {
		t.Error("other bytes came, or a message that it is ready")
	}
	p.await("ready")
}

// Without what it takes they say so.
func TestNobodyToNotify(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"extend-stop": notifySocket, "watchdog-miss": notifySocket, "notify-garbage": notifySocket, "node-garbage": nodeChannel,
	} {
		cmd := prepare(kind)
		cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool {
			return strings.HasPrefix(kv, notifySocket+"=") || strings.HasPrefix(kv, nodeChannel+"=")
		})
		p := start(t, cmd)
		p.exits(3)
		if out := p.all(); !strings.Contains(out, kind+": "+want+" is ") {
			t.Errorf("%s: output %q", kind, out)
		}
	}
}
