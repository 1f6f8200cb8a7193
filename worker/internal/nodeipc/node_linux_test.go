package nodeipc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// node is an unmodified script that has the channel.
type node struct {
	*Channel
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer // to be read after the end
	stderr bytes.Buffer
	waited bool
}

func startNode(t *testing.T, script string, env ...string) *node {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: ", err)
	}
	file := filepath.Join(t.TempDir(), "script.js")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	c, fd, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	end := os.NewFile(uintptr(fd), "the child's end")
	defer end.Close()
	n := &node{Channel: c, t: t, cmd: exec.Command(path, file)}
	n.cmd.Env = append(append(os.Environ(), Env(3)...), env...)
	n.cmd.ExtraFiles = []*os.File{end}
	n.cmd.Stdout, n.cmd.Stderr = &n.stdout, &n.stderr
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !n.waited {
			_ = n.cmd.Process.Kill()
			_ = n.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("stdout: %s\nstderr: %s", &n.stdout, &n.stderr)
		}
	})
	return n
}

// wait waits until the script ends by itself, with success.
func (n *node) wait() {
	n.t.Helper()
	kill := time.AfterFunc(patience, func() { _ = n.cmd.Process.Kill() })
	defer kill.Stop()
	n.waited = true
	if err := n.cmd.Wait(); err != nil {
		n.t.Fatalf("the script: %v", err)
	}
}

func (n *node) send(v any) {
	n.t.Helper()
	if err := n.Send(inTime(n.t), v); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) wantMessage(want string) {
	n.t.Helper()
	wantMessage(n.t, n.Channel, want)
}

const echo = `
process.on('message', m => process.send({echo: m}));
process.on('disconnect', () => console.log('disconnect, connected:', process.connected));
process.send('ready');
`

func TestNodeEchoes(t *testing.T) {
	n := startNode(t, echo)
	n.wantMessage(`"ready"`)
	for _, v := range []any{
		"plain", "", "grüße 🌳 \u2028 \x00", "two\nlines\r\n", `"quoted" \ <b>&`,
		true, false, 0.0, -1.5e300, []any{}, []any{nil, "a"}, map[string]any{},
		map[string]any{"type": "x", "data": map[string]any{"n": 1.0, "s": "a\nb"}},
		map[string]any{"cmd": "NODE_"}, map[string]any{"cmd": 1.0},
	} {
		n.send(v)
		m, err := n.Receive(inTime(t))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(m, &got); err != nil {
			t.Fatal(err)
		}
		if want := map[string]any{"echo": v}; !reflect.DeepEqual(got, want) {
			t.Errorf("echo of %q is %q", v, got["echo"])
		}
	}
	if err := n.Disconnect(); err != nil {
		t.Fatal(err)
	}
	n.wait() // nothing keeps it any more
	if want := "disconnect, connected: false\n"; n.stdout.String() != want {
		t.Errorf("stdout is %q, want %q", &n.stdout, want)
	}
	wantEnd(t, n.Channel, io.EOF)
	if err := n.Err(); err != nil {
		t.Errorf("the channel was broken: %v", err)
	}
}

// What was sent before Disconnect comes before it.
func TestNodeDisconnectComesLast(t *testing.T) {
	n := startNode(t, `
		let got = 0;
		process.on('message', () => got++);
		process.on('disconnect', () => console.log(got));
	`)
	for i := range 500 {
		n.send(i)
	}
	if err := n.Disconnect(); err != nil {
		t.Fatal(err)
	}
	n.wait()
	if n.stdout.String() != "500\n" {
		t.Errorf("the script got %q messages, want 500", &n.stdout)
	}
}

func TestNodeIsNotStoppedByDisconnect(t *testing.T) {
	n := startNode(t, `
		process.on('disconnect', () => setTimeout(() => console.log('went on'), 50));
		process.send('ready');
	`)
	n.wantMessage(`"ready"`)
	if err := n.Disconnect(); err != nil {
		t.Fatal(err)
	}
	n.wait()
	if n.stdout.String() != "went on\n" {
		t.Errorf("stdout is %q", &n.stdout)
	}
}

func TestNodeDisconnectsItself(t *testing.T) {
	n := startNode(t, `
		process.send('last', () => process.disconnect());
		setInterval(() => {}, 1000); // lives on
	`)
	n.wantMessage(`"last"`)
	wantEnd(t, n.Channel, io.EOF)
	if err := n.Send(inTime(t), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
	if err := n.cmd.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the script is gone: %v", err)
	}
}

func TestNodeBigMessages(t *testing.T) {
	n := startNode(t, echo)
	n.wantMessage(`"ready"`)
	big := strings.Repeat("0123456789abcdef", 5<<20/16)
	n.send(big)
	n.wantMessage(`{"echo":"` + big + `"}`)
	n.send("small")
	n.wantMessage(`{"echo":"small"}`)
}

func TestNodeManyMessages(t *testing.T) {
	n := startNode(t, echo)
	n.wantMessage(`"ready"`)
	const many = 10_000
	sent := make(chan error, 1)
	go func() {
		for i := range many {
			if err := n.Send(inTime(t), i); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i := range many {
		n.wantMessage(fmt.Sprintf(`{"echo":%d}`, i))
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if n.Dropped() != 0 {
		t.Errorf("%d were dropped", n.Dropped())
	}
}

func TestNodeSendsAndExits(t *testing.T) {
	n := startNode(t, `for (let i = 0; i < 200; i++) process.send(i);`)
	n.wait()
	n.Close()
	for i := range 200 {
		n.wantMessage(fmt.Sprint(i))
	}
	wantEnd(t, n.Channel, io.EOF)
}

func TestNodeIsKilled(t *testing.T) {
	n := startNode(t, echo)
	n.wantMessage(`"ready"`)
	if err := n.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, n.Channel, io.EOF)
	if err := n.Send(inTime(t), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
}

// Node sends a socket again when it is refused, three times, and then warns and
// goes on; with a server it goes on at once.
func TestNodeSendsAHandle(t *testing.T) {
	n := startNode(t, `
		const net = require('net');
		const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
			process.send(server.address().port);
			process.send('take the server', server);
			process.send('after the server');
			const socket = net.connect(server.address().port, '127.0.0.1', () => {
				process.send('take the socket', socket);
				process.send('after the socket');
			});
		});
		process.on('warning', w => process.send(w.name));
		process.on('message', () => process.exit());
	`)
	port, err := n.Receive(inTime(t))
	if err != nil {
		t.Fatal(err)
	}
	n.wantMessage(`"after the server"`)
	n.wantMessage(`"after the socket"`)
	n.wantMessage(`"SentHandleNotReceivedWarning"`)
	n.send("exit")
	n.wait()
	if conn, err := net.Dial("tcp", "127.0.0.1:"+string(port)); err == nil {
		conn.Close()
		t.Error("the server's socket is open although the script has ended")
	}
}

func TestNodeFloodsAndNobodyReceives(t *testing.T) {
	const messages = 5_000
	var observed atomic.Int64
	n := startNode(t, fmt.Sprintf(`
		const text = 'x'.repeat(4000);
		const next = i => i < %d ? process.send({i, text}, () => next(i + 1)) : process.send('end');
		process.once('message', () => next(0));
	`, messages))
	n.Observe(func(json.RawMessage) { observed.Add(1) })
	end := make(chan struct{})
	n.Observe(func(m json.RawMessage) {
		if string(m) == `"end"` {
			close(end)
		}
	})
	before := heap()
	n.send("go")
	select {
	case <-end:
	case <-time.After(3 * patience):
		t.Fatalf("only %d messages came", observed.Load())
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d bytes are held of 20 MB that nobody received", grown)
	}
	n.wait() // the last listener has gone
	n.Close()
	left := 0
	for m, err := n.Receive(t.Context()); err == nil; m, err = n.Receive(t.Context()) {
		if left++; len(m) > 5 && !bytes.HasPrefix(m, fmt.Appendf(nil, `{"i":%d,`, int(n.Dropped())+left-1)) {
			t.Fatalf("message %d of those left is %.20s, and %d were dropped", left, m, n.Dropped())
		}
	}
	if dropped := int(n.Dropped()); dropped+left != messages+1 || left == 0 || left > maxQueued {
		t.Errorf("%d dropped and %d left, of %d", dropped, left, messages+1)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A script that does not read for a while gets whole messages when it does.
func TestNodeDoesNotRead(t *testing.T) {
	n := startNode(t, `
		process.on('message', m => process.send(m.length));
		process.send('ready');
	`)
	n.wantMessage(`"ready"`)
	if err := n.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("y", 1<<20)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := n.Send(ctx, long); !errors.Is(err, ErrUnfinished) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error is %v, want ErrUnfinished and the context's", err)
	}
	if err := n.Send(soon(t), "never"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnfinished) {
		t.Fatalf("error is %v, want the context's alone", err)
	}
	if err := n.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	n.send("last")
	n.wantMessage(fmt.Sprint(len(long)))
	n.wantMessage("4")
}

func TestNodeAdvancedIsRefused(t *testing.T) {
	n := startNode(t, `
		process.on('disconnect', () => console.log('disconnect'));
		process.send('ready');
	`, "NODE_CHANNEL_SERIALIZATION_MODE=advanced")
	wantEnd(t, n.Channel, ErrAdvanced)
	n.wait()
	if n.stdout.String() != "disconnect\n" {
		t.Errorf("stdout is %q, want disconnect", &n.stdout)
	}
}
