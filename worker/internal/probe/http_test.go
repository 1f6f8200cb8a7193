package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func mustHTTP(t *testing.T, url string, o HTTPOptions) Check {
	t.Helper()
	c, err := HTTP(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestHTTPStatus(t *testing.T) {
	var answer atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(int(answer.Load()))
	})
	for _, tt := range []struct {
		answer int
		good   []int
		want   string
	}{
		{200, nil, ""},
		{204, nil, ""},
		{304, nil, ""},
		{399, nil, ""},
		{400, nil, "answered 400 Bad Request, expected 200 to 399"},
		{404, nil, "answered 404 Not Found, expected 200 to 399"},
		{503, nil, "answered 503 Service Unavailable, expected 200 to 399"},
		{401, []int{401}, ""},
		{204, []int{200, 204}, ""},
		{202, []int{200, 204}, "answered 202 Accepted, expected 200 or 204"},
	} {
		answer.Store(int64(tt.answer))
		err := mustHTTP(t, server.URL+"/healthz?full=1", HTTPOptions{Status: tt.good})(ctx5s(t))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%d of %v: %v", tt.answer, tt.good, err)
		case tt.want != "" && (err == nil || err.Error() != "GET "+server.URL+"/healthz?full=1: "+tt.want):
			t.Errorf("%d of %v: %v, want %s", tt.answer, tt.good, err, tt.want)
		}
	}
}

func TestHTTPRequest(t *testing.T) {
	got := make(chan *http.Request, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { got <- r })
	header := http.Header{"X-Probe": {"a", "b"}, "Host": {"app.example"}}
	check := mustHTTP(t, strings.Replace(server.URL, "http://", "http://me:secret@", 1), HTTPOptions{Header: header})
	header.Set("X-Probe", "changed afterwards")
	if err := check(ctx5s(t)); err != nil {
		t.Fatal(err)
	}
	r := <-got
	user, password, _ := r.BasicAuth()
	if r.Method != "GET" || r.URL.Path != "/" || r.Host != "app.example" || strings.Join(r.Header["X-Probe"], ",") != "a,b" ||
		r.UserAgent() != "coppice-probe" || user != "me" || password != "secret" || !r.Close {
		t.Errorf("%s %s, Host %s, X-Probe %q, User-Agent %s, %s:%s, close %v",
			r.Method, r.URL, r.Host, r.Header["X-Probe"], r.UserAgent(), user, password, r.Close)
	}
	check = mustHTTP(t, server.URL, HTTPOptions{Header: http.Header{"User-Agent": {"mine"}}})
	if err := check(ctx5s(t)); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.UserAgent() != "mine" {
		t.Errorf("User-Agent %q, want the one that was given", r.UserAgent())
	}
}

func TestHTTPDoesNotTellPasswords(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) })
	withPassword := strings.Replace(server.URL, "http://", "http://me:secret@", 1)
	for _, check := range []Check{mustHTTP(t, withPassword, HTTPOptions{}), mustHTTP(t, "http://me:secret@"+freePort(t), HTTPOptions{})} {
		if err := check(ctx5s(t)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: want an error without the password", err)
		}
	}
	if _, err := HTTP("ftp://me:secret@host/", HTTPOptions{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v: want an error without the password", err)
	}
}

func TestHTTPFollowsNoRedirect(t *testing.T) {
	var followed atomic.Bool
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			followed.Store(true)
			return
		}
		http.Redirect(w, r, "/login", http.StatusFound)
	})
	if err := mustHTTP(t, server.URL+"/", HTTPOptions{})(ctx5s(t)); err != nil {
		t.Errorf("a redirect is an answer: %v", err)
	}
	if err := mustHTTP(t, server.URL+"/", HTTPOptions{Status: []int{200}})(ctx5s(t)); err == nil {
		t.Error("200 was asked for, and a redirect is good")
	}
	if followed.Load() {
		t.Error("the redirect was followed")
	}
}

func TestHTTPReadsNoMoreThanItsBound(t *testing.T) {
	written := make(chan int, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for piece := make([]byte, 32<<10); ; n += len(piece) {
			if _, err := w.Write(piece); err != nil {
				written <- n
				return
			}
		}
	})
	if err := mustHTTP(t, server.URL, HTTPOptions{})(ctx5s(t)); err != nil {
		t.Errorf("an answer without end: %v", err)
	}
	// The rest is what fits in the buffers of both ends.
	if n := <-written; n > 32<<20 {
		t.Errorf("the server got rid of %d bytes", n)
	}
}

func TestHTTPNoAnswer(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := mustHTTP(t, server.URL, HTTPOptions{})(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want deadline exceeded", err)
	}
}

func TestHTTPS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake that is refused
	server.StartTLS()
	defer server.Close()
	var unknown *tls.CertificateVerificationError
	if err := mustHTTP(t, server.URL, HTTPOptions{})(ctx5s(t)); !errors.As(err, &unknown) {
		t.Errorf("a certificate of nobody's: %v, want it refused", err)
	}
	if err := mustHTTP(t, server.URL, HTTPOptions{Insecure: true})(ctx5s(t)); err != nil {
		t.Errorf("Insecure: %v", err)
	}
}

// connections counts those of a server.
type connections struct {
	mu          sync.Mutex // guards what follows
	opened, now int
	changed     chan struct{} // closed and replaced at each change
}

func (c *connections) state(_ net.Conn, s http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s {
	case http.StateNew:
		c.opened++
		c.now++
	case http.StateClosed:
		c.now--
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *connections) awaitClosed(t *testing.T, opened int) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		o, now, changed := c.opened, c.now, c.changed
		c.mu.Unlock()
		if o == opened && now == 0 {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("%d connections were opened and %d are left, want %d and 0", o, now, opened)
		}
	}
}

func TestHTTPLeavesNothingOpen(t *testing.T) {
	conns := &connections{changed: make(chan struct{})}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 1000))
	}))
	server.Config.ConnState = conns.state
	server.Start()
	defer server.Close()

	check := mustHTTP(t, server.URL, HTTPOptions{})
	goroutines := runtime.NumGoroutine()
	const n = 50
	for range n {
		if err := check(ctx5s(t)); err != nil {
			t.Fatal(err)
		}
	}
	conns.awaitClosed(t, n)
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", goroutines, runtime.NumGoroutine())
		}
	}
}

// A program that comes up, and goes down, as the two loops see it.
func TestAwaitThenWatch(t *testing.T) {
	addr := freePort(t)
	check := mustHTTP(t, "http://"+addr+"/", HTTPOptions{})
	var server *httptest.Server
	attempts := 0
	err := Await(ctx5s(t), func(ctx context.Context) error {
		if attempts++; attempts == 4 { // it was down for three
			l, err := net.Listen("tcp", addr)
			if err != nil {
				t.Skipf("somebody took the port in the meantime: %v", err)
			}
			server = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.Listener.Close()
			server.Listener = l
			server.Start()
		}
		return check(ctx)
	}, Policy{})
	if err != nil || attempts != 4 {
		t.Fatalf("%d attempts: %v", attempts, err)
	}
	n := 0
	err = Watch(t.Context(), func(ctx context.Context) error {
		if n++; n == 3 {
			server.Close()
		}
		return check(ctx)
	}, Policy{Every: 5 * time.Millisecond})
	if err == nil || n != 5 || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("after %d attempts: %v, want three refused after two that were good", n, err)
	}
}

func TestHTTPValidation(t *testing.T) {
	const example = `: give one as in "http://127.0.0.1:8080/healthz"`
	for url, want := range map[string]string{
		"http://127.0.0.1:8080/healthz": "",
		"https://[::1]/":                "",
		"http://localhost":              "",
		"":                              `URL "": it does not begin with http:// or https://` + example,
		"localhost:8080/healthz":        `URL "localhost:8080/healthz": it does not begin with http:// or https://` + example,
		"127.0.0.1:8080":                `URL "127.0.0.1:8080": first path segment in URL cannot contain colon` + example,
		"ftp://localhost/":              `URL "ftp://localhost/": it does not begin with http:// or https://` + example,
		"http:///healthz":               `URL "http:///healthz": it has no host` + example,
		"http://:8080/":                 `URL "http://:8080/": it has no host` + example,
		"http://localhost:99999/":       `URL "http://localhost:99999/": port "99999" is not a number from 1 to 65535` + example,
		"http://localhost:http/":        `URL "http://localhost:http/": invalid port ":http" after host` + example,
		"http://local host/":            `URL "http://local host/": invalid character " " in host name` + example,
	} {
		check, err := HTTP(url, HTTPOptions{})
		switch {
		case want == "" && (err != nil || check == nil):
			t.Errorf("%q: %v", url, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%q: %v\nwant %s", url, err, want)
		}
	}
	for want, o := range map[string]HTTPOptions{
		"status 199: codes of an answer are 200 to 599, as in 204":                                 {Status: []int{200, 199}},
		"status 600: codes of an answer are 200 to 599, as in 204":                                 {Status: []int{600}},
		`header "X Probe": the name has characters that are not allowed; give one as in "X-Probe"`: {Header: http.Header{"X Probe": {"a"}}},
		`header "": the name has characters that are not allowed; give one as in "X-Probe"`:        {Header: http.Header{"": {"a"}}},
		`header X-Probe: the value "a\r\nHost: b" has control characters`:                          {Header: http.Header{"X-Probe": {"a\r\nHost: b"}}},
	} {
		if _, err := HTTP("http://localhost/", o); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}
