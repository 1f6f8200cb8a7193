package control_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shop is a tree with two children that crash when told to.
type shop struct {
	db, cache controltest.Crash
}

func newShop() *shop { return &shop{make(controltest.Crash), make(controltest.Crash)} }

func (s *shop) spec() tree.Spec {
	return tree.Spec{
		Intensity: strategies.Intensity{Max: 1000},
		Children: []tree.Child{
			{ID: "db", Start: tree.Func(s.db.Run)},
			{ID: "web", Start: tree.Sub(tree.Spec{
				Strategy:  strategies.OneForAll,
				Intensity: strategies.Intensity{Max: 3},
				Children: []tree.Child{
					{ID: "api", Start: tree.Func(controltest.Wait)},
					{ID: "cache", Start: tree.Func(s.cache.Run)},
				},
			})},
		},
	}
}

// start runs a shop, and a client of it.
func start(t *testing.T, change ...func(*control.Config)) (*shop, *controltest.Run, *client.Client) {
	t.Helper()
	s := newShop()
	r := controltest.Start(t, s.spec(), change...)
	return s, r, dial(t, r)
}

func dial(t *testing.T, r *controltest.Run) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), r.Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// connect opens a bare connection.
func connect(t *testing.T, r *controltest.Run) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", r.Server.Socket())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a request over a connection of its own and returns the answer.
func ask(t *testing.T, r *controltest.Run, method, target, body string) (*http.Response, string) {
	t.Helper()
	conn := connect(t, r)
	req, err := http.NewRequest(method, "http://coppice"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	return answer(t, conn)
}

func answer(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// errorOf is the error in an answer.
func errorOf(t *testing.T, body string) control.Error {
	t.Helper()
	var a struct{ Error *control.Error }
	if err := json.Unmarshal([]byte(body), &a); err != nil || a.Error == nil {
		t.Fatalf("no error in %q: %v", body, err)
	}
	return *a.Error
}

// next returns what a stream brings next.
func next[T any](t *testing.T, pull func() (T, error, bool)) T {
	t.Helper()
	v, err, ok := pull()
	if err != nil || !ok {
		t.Fatalf("the stream ended: %v", err)
	}
	return v
}

// until skips what a stream brings up to an event.
func until(t *testing.T, pull func() (tree.Event, error, bool), kind tree.EventKind, path string) tree.Event {
	t.Helper()
	for {
		if e := next(t, pull); e.Kind == kind && e.Path == path {
			return e
		}
	}
}

// awaitUp waits until an incarnation of a child is up, and the tree at rest.
func awaitUp(t *testing.T, r *controltest.Run, path string, incarnation uint64) {
	t.Helper()
	events := r.Book.Events(r.Book.Rev()) // from before the first look
	for {
		if st, _ := r.Root.Find(path); st.State == strategies.Up && st.Incarnation >= incarnation {
			break
		}
		if _, err := events.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Root.AwaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
}
