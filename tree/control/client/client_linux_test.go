package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func spec() tree.Spec {
	return tree.Spec{Children: []tree.Child{{ID: "a", Start: tree.Func(controltest.Wait)}}}
}

// dead leaves the socket of a tree that was killed.
func dead(t *testing.T, dir, name string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name+".sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// TestDial: which tree is found, of those that run.
func TestDial(t *testing.T) {
	dir := controltest.Dir(t)
	dead(t, dir, "dead")
	if err := os.WriteFile(filepath.Join(dir, "file.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	try := func(name string) (string, error) {
		t.Helper()
		c, err := client.Dial(t.Context(), dir, name)
		if err != nil {
			return "", err
		}
		defer c.Close()
		i, err := c.Info(t.Context())
		if i.Name != c.Name() {
			t.Errorf("asked %q, %q answered", c.Name(), i.Name)
		}
		return c.Name(), err
	}
	refused := func(name, says string) error {
		t.Helper()
		_, err := try(name)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("dial %q: %v, want %q", name, err, says)
		}
		return err
	}
	if err := refused("", "no tree is running; start one with `coppice run FILE`"); !errors.Is(err, client.ErrNoTree) {
		t.Errorf("%v is not ErrNoTree", err)
	}
	if err := refused("dead", `no tree named "dead" is running; start it with`); !errors.Is(err, client.ErrNoTree) {
		t.Errorf("%v is not ErrNoTree", err)
	}
	controltest.StartIn(t, dir, "shop", spec())
	for _, name := range []string{"", "shop"} {
		if got, err := try(name); got != "shop" || err != nil {
			t.Errorf("dial %q: %q, %v", name, got, err)
		}
	}
	controltest.StartIn(t, dir, "bank", spec())
	err := refused("", "2 trees are running, give --name: bank, shop")
	if several, ok := errors.AsType[*client.SeveralError](err); !ok || errors.Is(err, client.ErrNoTree) {
		t.Errorf("%v is no SeveralError", several)
	}
	if err := refused("mall", `no tree named "mall" is running; there is bank, shop`); !errors.Is(err, client.ErrNoTree) {
		t.Errorf("%v is not ErrNoTree", err)
	}
	if got, err := try("shop"); got != "shop" || err != nil {
		t.Errorf("dial shop of two: %q, %v", got, err)
	}
	if err := refused("a/b", "nor contain a slash"); errors.Is(err, client.ErrNoTree) {
		t.Errorf("%v is ErrNoTree", err)
	}
}

func TestList(t *testing.T) {
	dir := controltest.Dir(t)
	if got, err := client.List(t.Context(), filepath.Join(dir, "none")); got != nil || err != nil {
		t.Errorf("of no directory: %v, %v", got, err)
	}
	dead(t, dir, "dead")
	controltest.StartIn(t, dir, "shop", spec())
	controltest.StartIn(t, dir, "bank", spec())
	got, err := client.List(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Running{
		{Name: "bank", Socket: filepath.Join(dir, "bank.sock"), PID: os.Getpid()},
		{Name: "shop", Socket: filepath.Join(dir, "shop.sock"), PID: os.Getpid()},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := client.List(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a directory that others can enter: %v", err)
	}
	if _, err := client.Dial(t.Context(), dir, "shop"); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a directory that others can enter: %v", err)
	}
}

// server answers every connection with the same text, then closes it.
func server(t *testing.T, text string) *client.Client {
	t.Helper()
	dir := controltest.Dir(t)
	l, err := net.Listen("unix", filepath.Join(dir, "shop.sock"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096)) // the request, or the end of a connection that only tried
			_, _ = io.WriteString(conn, text)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	c, err := client.Dial(t.Context(), dir, "shop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const ok = "HTTP/1.1 200 OK\r\nCoppice-Protocol: 1\r\n"

// TestOddAnswers: whatever the other side says becomes an error that tells.
func TestOddAnswers(t *testing.T) {
	for _, c := range []struct{ answer, says string }{
		{"", "tree shop: EOF"},
		{"SSH-2.0-x\r\n", "tree shop: "},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", `it speaks version "" of the control protocol, this program version 1`},
		{"HTTP/1.1 200 OK\r\nCoppice-Protocol: 2\r\nContent-Length: 2\r\n\r\n{}", `version "2"`},
		{ok + "Content-Length: 3\r\n\r\n{]}", "its answer cannot be read"},
		{ok + "Content-Length: 9\r\n\r\n{", "its answer cannot be read: unexpected EOF"},
		{"HTTP/1.1 500 No\r\nCoppice-Protocol: 1\r\nContent-Length: 2\r\n\r\n{}", "it answered 500 No, and not why"},
		{"HTTP/1.1 302 No\r\nCoppice-Protocol: 1\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "it answered 302 No"},
		{"HTTP/1.1 404 No\r\nCoppice-Protocol: 1\r\nContent-Length: 53\r\n\r\n" + `{"error":{"code":"new","message":"m","hint":"do it"}} `, "m; do it"},
	} {
		cl := server(t, c.answer)
		if _, err := cl.Info(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q:\n\t%v, want\n\t%s", c.answer, err, c.says)
		}
	}
}

// TestBrokenStream: a stream that breaks off ends with an error; one that is
// ended does not.
func TestBrokenStream(t *testing.T) {
	const event = `{"v":"v1","seq":7,"time":"2026-01-02T03:04:05Z","kind":"progress","path":"shop/a"}` + "\n"
	chunk := "55\r\n\n\n" + event + "\r\n" // with blank lines, as of a stream that lives
	const head = ok + "Transfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		rest, says string
	}{
		{"0\r\n\r\n", ""},
		{"", "tree shop: the stream broke off: unexpected EOF"},
		{"3\r\n{]}\r\n", "the stream broke off: invalid character"},
	} {
		n := 0
		var last error
		for e, err := range server(t, head+chunk+c.rest).Events(t.Context(), control.EventsQuery{Follow: true}) {
			if last = err; err == nil {
				n += int(e.Seq)
			}
		}
		if n != 7 || (last == nil) != (c.says == "") || last != nil && !strings.Contains(last.Error(), c.says) {
			t.Errorf("%q: events add up to %d, %v; want %q", c.rest, n, last, c.says)
		}
	}
}

// TestCancel: the end of the context ends what is under way.
func TestCancel(t *testing.T) {
	r := controltest.Start(t, spec())
	c, err := client.Dial(t.Context(), r.Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	n := 0
	for _, err := range c.Events(ctx, control.EventsQuery{Follow: true}) {
		n++
		cancel()
		last = err
	}
	if n < 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("after %d: %v", n, last)
	}
	if _, err := c.Info(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for range c.Events(t.Context(), control.EventsQuery{Follow: true}) {
		break // the stream is given up, and the server sees that
	}
}

// TestTreeEnds: a client whose tree has ended is told so.
func TestTreeEnds(t *testing.T) {
	r := controltest.Start(t, spec())
	c, err := client.Dial(t.Context(), r.Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Info(t.Context()); !errors.Is(err, client.ErrNoTree) {
		t.Errorf("got %v, want ErrNoTree", err)
	}
}
