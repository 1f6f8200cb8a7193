package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

// TestRefused: what cannot be answered is refused with a status, a code, and
// words that name what is wrong and what to do.
func TestRefused(t *testing.T) {
	_, r, _ := start(t)
	for _, c := range []struct {
		request string // method, target, body
		status  int
		code    control.Code
		says    string
	}{
		{"GET /v1/nothing", 404, control.UnknownEndpoint, "there is no /v1/nothing in version 1 of the control protocol; there are /v1/events"},
		{"GET /", 404, control.UnknownEndpoint, "version 1"},
		{"GET //v1/info", 404, control.UnknownEndpoint, "version 1"},
		{"GET /v2/info", 404, control.UnknownEndpoint, "version 1"},
		{"POST /v1/info", 405, control.WrongMethod, "use GET"},
		{"GET /v1/stop", 405, control.WrongMethod, "use POST"},
		{"DELETE /v1/stop", 405, control.WrongMethod, "use POST"},
		{"GET /v1/info?x=1", 400, control.BadRequest, `no parameter "x" here; it takes none`},
		{"GET /v1/events?folow=1", 400, control.BadRequest, `no parameter "folow" here; there are follow, since`},
		{"GET /v1/events?follow=yes", 400, control.BadRequest, `follow="yes" is neither yes nor no; give 1 or 0`},
		{"GET /v1/events?since=1&since=2", 400, control.BadRequest, "since is given 2 times"},
		{"GET /v1/events?since=-5m", 400, control.BadRequest, `since="-5m" is neither a number nor a duration`},
		{"GET /v1/events?since=1000000", 409, control.Conflict, "there was none with seq 1000000; it may be of an earlier run"},
		{"GET /v1/events?since=%zz", 400, control.BadRequest, "cannot be read"},
		{"GET /v1/logs", 400, control.BadRequest, "the parameter path is missing; add path=…"},
		{"GET /v1/logs?path=shop/none", 404, control.NotFound, `no child "shop/none"`},
		{"GET /v1/logs?path=shop/none&follow=1", 404, control.NotFound, `no child "shop/none"`},
		{"GET /v1/logs?path=shop&tail=-1", 400, control.BadRequest, `tail="-1" is no number of lines`},
		{"GET /v1/logs?path=shop&previous=1&follow=1", 400, control.BadRequest, "leave one of them out"},
		{"GET /v1/why?path=cache", 404, control.NotFound, "did you mean shop/web/cache?"},
		{"GET /v1/why?path=shop/web/cahce", 404, control.NotFound, "did you mean shop/web/cache?"},
		{"GET /v1/why?path=sohp", 404, control.NotFound, "did you mean shop?"},
		{"GET /v1/why?path=" + strings.Repeat("x", 5000), 404, control.NotFound, "there is no child"},
		{"GET /v1/wait?path=shop", 400, control.BadRequest, "the parameter state is missing"},
		{"GET /v1/wait?path=shop&state=happy", 400, control.BadRequest, "give one of ready, stopped, waiting"},
		{"GET /v1/wait?path=shop&state=ready&timeout=0s", 400, control.BadRequest, `timeout="0s" is no time to wait`},
		{"GET /v1/wait?path=shop/dbb&state=ready", 404, control.NotFound, "did you mean shop/db?"},
		{"POST /v1/stop", 400, control.BadRequest, "the request has no body"},
		{"POST /v1/stop [1]", 400, control.BadRequest, "the body is not as it should be"},
		{"POST /v1/stop {}", 400, control.BadRequest, `"path" is missing`},
		{`POST /v1/stop {"path":"shop/db"}{}`, 400, control.BadRequest, "something follows"},
		{`POST /v1/stop {"path":"shop/db","force":true}`, 400, control.BadRequest, `unknown field "force"`},
		{`POST /v1/stop {"path":"shop/db","signal":"HUP"}`, 400, control.BadRequest, `"signal" has no meaning for stop`},
		{`POST /v1/stop?plan=2 {"path":"shop/db"}`, 400, control.BadRequest, "neither yes nor no"},
		{`POST /v1/stop {"path":"shop/bd"}`, 404, control.NotFound, "did you mean shop/db?"},
		{`POST /v1/stop {"path":"shop"}`, 501, control.Unsupported, "stop is not for the root of the tree"},
		{`POST /v1/start {"path":"shop/db"}`, 409, control.Conflict, "it runs already"},
		{`POST /v1/signal {"path":"shop/db"}`, 400, control.BadRequest, "which signal is not said"},
		{`POST /v1/signal {"path":"shop/db","signal":"SIGFOO"}`, 400, control.BadRequest, `"SIGFOO" is no signal`},
		{`POST /v1/signal {"path":"shop/db","signal":"65"}`, 400, control.BadRequest, `"65" is no signal`},
		{`POST /v1/signal {"path":"shop/db","signal":"hup"}`, 409, control.Conflict, "shop/db has no process: it is up"},
		{`POST /v1/stop {"path":"` + strings.Repeat("x", 65<<10) + `"}`, 413, control.TooLarge, "at most 65536 bytes"},
	} {
		parts := strings.SplitN(c.request, " ", 3)
		parts = append(parts, "")
		resp, body := ask(t, r, parts[0], parts[1], parts[2])
		e := errorOf(t, body)
		if resp.StatusCode != c.status || e.Code != c.code || !strings.Contains(e.Error(), c.says) {
			t.Errorf("%.80s:\n\t%d %s: %v\nwant\t%d %s: … %s …", c.request, resp.StatusCode, e.Code, &e, c.status, c.code, c.says)
		}
		if v := resp.Header.Get("Coppice-Protocol"); v != "1" {
			t.Errorf("%.80s: the answer has version %q", c.request, v)
		}
	}
}

// TestMalformed: a thousand requests that make no sense do no harm.
func TestMalformed(t *testing.T) {
	_, r, c := start(t)
	rng := rand.New(rand.NewPCG(1, 2))
	good := []string{
		"GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n{\"path\":\"shop/no\"}",
		"GET /v1/events?since=0 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /v1/logs?path=shop&tail=3 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /v1/restart HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"pat\r\n0\r\n\r\n",
	}
	for i := range 1000 {
		b := []byte(good[i%len(good)])
		for range 1 + rng.IntN(8) {
			if len(b) == 0 {
				break
			}
			switch at := rng.IntN(len(b)); rng.IntN(4) {
			case 0:
				b[at] = byte(rng.IntN(256))
			case 1:
				b = append(b[:at], b[at+1:]...)
			case 2:
				b = b[:at+1]
			default:
				b = append(b[:at], append([]byte(strings.Repeat(string(b[at:at+1]), rng.IntN(50))), b[at:]...)...)
			}
		}
		conn := connect(t, r)
		_, _ = conn.Write(b) // the server may have had enough
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		_, _ = io.Copy(io.Discard, conn) // until the server has closed it, too
		conn.Close()
	}
	if i, err := c.Info(t.Context()); err != nil || i.Name != "shop" {
		t.Errorf("afterwards: %+v, %v", i, err)
	}
	for st := range r.Root.Walk() {
		if st.Incarnation != 1 {
			t.Errorf("%s was restarted", st.Path)
		}
	}
}

func TestInfo(t *testing.T) {
	_, r, c := start(t)
	if err := r.Book.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	i, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := control.Info{V: 1, Name: "shop", PID: os.Getpid(), Version: "v0.0.0-test", File: "shop.yaml", Rev: r.Root.Snapshot().Rev, Started: i.Started}
	if d := cmp.Diff(want, i); d != "" || i.Started.IsZero() {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSnapshot(t *testing.T) {
	_, r, c := start(t)
	got, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := r.Root.Snapshot()
	got.Time = want.Time
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got)
	if d := cmp.Diff(string(a), string(b)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWhy(t *testing.T) {
	s, r, c := start(t)
	s.cache <- errors.New("boom")
	awaitUp(t, r, "shop/web/cache", 2)
	w, err := c.Why(t.Context(), "shop/web/cache")
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Exits) != 1 || w.Exits[0].Reason != "boom" || w.Exits[0].Restart.Spent != 1 || w.Budget.Left != 2 {
		t.Errorf("got %+v", w)
	}
	if d := cmp.Diff([]string{"shop/web/api", "shop/web/cache"}, w.Exits[0].Follows.Started); d != "" {
		t.Errorf("started (-want +got):\n%s", d)
	}
}

// TestActions: what is asked for is done, and what was done is told.
func TestActions(t *testing.T) {
	_, r, c := start(t)
	ctx := t.Context()
	path, paths := "shop/db", []string{"shop/db"}
	none := []string{}
	for _, step := range []struct {
		what string
		do   func() (control.Done, error)
		want control.Done
	}{
		{"restart", func() (control.Done, error) { return c.Restart(ctx, path) },
			control.Done{Path: path, Radius: control.Radius{Stops: paths, Starts: paths}, Incarnation: 2}},
		{"stop", func() (control.Done, error) { return c.Stop(ctx, path) },
			control.Done{Path: path, Radius: control.Radius{Stops: paths, Starts: none}}},
		{"start", func() (control.Done, error) { return c.Start(ctx, path) },
			control.Done{Path: path, Radius: control.Radius{Stops: none, Starts: paths}, Incarnation: 3}},
	} {
		got, err := step.do()
		if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if d := cmp.Diff(step.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, d)
		}
	}
	before := r.Root.Snapshot().Rev
	plan, err := c.Plan(ctx, control.Restart, path)
	if d := cmp.Diff(control.Radius{Stops: paths, Starts: paths}, plan); d != "" || err != nil {
		t.Errorf("plan: %v (-want +got):\n%s", err, d)
	}
	if after := r.Root.Snapshot().Rev; after != before {
		t.Errorf("a plan made %d events", after-before)
	}
}

// TestSignal: the process of that incarnation gets it, by whatever name.
func TestSignal(t *testing.T) {
	r := controltest.Start(t, tree.Spec{
		Intensity: strategies.Intensity{Max: 1000},
		Children:  []tree.Child{{ID: "db", Start: tree.Of(controltest.StartProcess)}},
	})
	c := dial(t, r)
	for i, name := range []string{"USR1", "SIGUSR1", "usr1", "10"} {
		incarnation := uint64(i + 1)
		awaitUp(t, r, "shop/db", incarnation)
		d, err := c.Signal(t.Context(), "shop/db", name)
		if err != nil || d.Incarnation != incarnation || d.Path != "shop/db" {
			t.Fatalf("%s: %+v, %v", name, d, err)
		}
		awaitUp(t, r, "shop/db", incarnation+1)
		if st, _ := r.Root.Find("shop/db"); st.Last.Incarnation != incarnation || !strings.Contains(st.Last.Exit.String(), "user defined signal 1") {
			t.Errorf("%s: incarnation %d ended: %v", name, st.Last.Incarnation, st.Last.Exit)
		}
	}
	gone, _ := r.Root.Find("shop/db")
	gone.Incarnation--
	err := control.SendSignal(r.Root, gone, syscall.SIGUSR1)
	if code(err) != control.Conflict || !strings.Contains(err.Error(), "shop/db has just ended") {
		t.Errorf("a signal to one that has ended: %v", err)
	}
}

// TestStopOfTheRoot is for the program whose tree it is.
func TestStopOfTheRoot(t *testing.T) {
	stopped := make(chan struct{})
	_, _, c := start(t, func(cfg *control.Config) { cfg.Stop = func() { close(stopped) } })
	d, err := c.Stop(t.Context(), "shop")
	if diff := cmp.Diff([]string{"shop", "shop/web", "shop/web/cache", "shop/web/api", "shop/db"}, d.Radius.Stops); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	<-stopped
}

// restartSlowly asks for the restart of a child whose start takes until open
// brings something, and returns when it has begun, and where the answer will be.
func restartSlowly(t *testing.T, ctx context.Context) (r *controltest.Run, open chan error, answer chan error) {
	t.Helper()
	open, answer = make(chan error, 1), make(chan error)
	open <- nil
	r = controltest.Start(t, tree.Spec{Children: []tree.Child{{ID: "db", Start: tree.Of(func() (opening, error) { return opening{open}, nil })}}})
	c := dial(t, r)
	go func() {
		_, err := c.Restart(ctx, "shop/db")
		answer <- err
	}()
	events := r.Book.Events(0)
	for e, err := events.Next(t.Context()); e.Kind != tree.EventStarting || e.Path != "shop/db" || e.Incarnation != 2; e, err = events.Next(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return r, open, answer
}

// TestActionOutlivesItsClient: who asked for it may go away.
func TestActionOutlivesItsClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, open, answer := restartSlowly(t, ctx)
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("the client got %v", err)
	}
	open <- nil
	awaitUp(t, r, "shop/db", 2)
}

// TestCloseEndsActions, and their clients get an answer.
func TestCloseEndsActions(t *testing.T) {
	r, _, answer := restartSlowly(t, t.Context())
	closed := make(chan error)
	go func() { closed <- r.Server.Close() }()
	if err := <-answer; code(err) != control.Busy {
		t.Errorf("the client got %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestServeOfNoTree is refused; nothing is left of it.
func TestServeOfNoTree(t *testing.T) {
	if s, err := control.Serve(control.Config{Name: "shop", Dir: controltest.Dir(t)}); s != nil || err == nil {
		t.Errorf("%v, %v", s, err)
	}
}

// TestServeWithoutBook: a server has one of its own, which ends with it.
func TestServeWithoutBook(t *testing.T) {
	root, err := tree.New("shop", newShop().spec())
	if err != nil {
		t.Fatal(err)
	}
	dir := controltest.Dir(t)
	s, err := control.Serve(control.Config{Dir: dir, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := root.Init(ctx); err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- root.Serve(ctx) }()
	c, err := client.Dial(ctx, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var n uint64
	for e, err := range c.Events(ctx, control.EventsQuery{}) {
		if n++; err != nil || e.Seq != n {
			t.Fatalf("%d: %v, %v", n, e, err)
		}
	}
	if rev := root.Rev(); n == 0 || n != rev {
		t.Errorf("%d events, want %d", n, rev)
	}
	cancel()
	<-served
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
