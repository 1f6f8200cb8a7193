package control

import (
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control/record"
)

// TestProtocolIsDocumented: PROTOCOL.md names all endpoints with their
// parameters, codes with their status, and states.
func TestProtocolIsDocumented(t *testing.T) {
	b, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for path, r := range routes {
		i := strings.Index(doc, "### "+r.method+" ")
		for i >= 0 && !strings.Contains(line(doc[i:]), path) {
			next := strings.Index(doc[i+1:], "### "+r.method+" ")
			if next < 0 {
				i = -1
				break
			}
			i += 1 + next
		}
		if i < 0 {
			t.Errorf("%s %s is not documented", r.method, path)
			continue
		}
		section, _, _ := strings.Cut(doc[i+4:], "\n##")
		for _, name := range parameters[path] {
			if !strings.Contains(section, "| `"+name+"` |") {
				t.Errorf("%s: the parameter %s is not documented", path, name)
			}
		}
	}
	for code := range statuses {
		row := "| `" + string(code) + "` | "
		i := strings.Index(doc, row)
		if i < 0 || !strings.Contains(line(doc[i:]), status(code)) {
			t.Errorf("the code %s is not documented with its status %s", code, status(code))
		}
	}
	for name := range waitStates {
		if !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("the state %s is not documented", name)
		}
	}
}

func line(s string) string { l, _, _ := strings.Cut(s, "\n"); return l }

func status(c Code) string { return strconv.Itoa(statuses[c]) }

// parameters is what each endpoint takes, found out by asking.
var parameters = func() map[string][]string {
	taken := func(parse func(*values)) []string {
		v := parseValues("")
		parse(v)
		return v.seen
	}
	all := map[string][]string{
		"/v1/events": taken(func(v *values) { parseEvents(v) }),
		"/v1/logs":   taken(func(v *values) { parseLogs(v) }),
		"/v1/wait":   taken(func(v *values) { parseWait(v) }),
		"/v1/why":    {"path"},
	}
	for _, path := range []string{"/v1/start", "/v1/stop", "/v1/restart", "/v1/signal", "/v1/reload"} {
		all[path] = []string{"plan"}
	}
	return all
}()

// TestQueries: what a client writes is what the server reads.
func TestQueries(t *testing.T) {
	for _, q := range []EventsQuery{{}, {Since: After(7), Follow: true}, {Since: Ago(0)}, {Since: Ago(90 * time.Second)}} {
		v := parseValues(q.Values().Encode())
		if got := parseEvents(v); got != q || v.end() != nil {
			t.Errorf("%+v: %+v, %v", q, got, v.end())
		}
	}
	for _, q := range []LogsQuery{
		{Path: "shop/a b&c", Tail: record.All}, {Path: "s", Tail: record.None, Follow: true}, {Path: "s", Tail: 5, Previous: true},
	} {
		v := parseValues(q.Values().Encode())
		if got := parseLogs(v); got != q || v.end() != nil {
			t.Errorf("%+v: %+v, %v", q, got, v.end())
		}
	}
	for _, q := range []WaitQuery{{Path: "s", State: strategies.Up}, {Path: "s", State: strategies.Down, Timeout: time.Minute}, {Path: "s", State: strategies.Waiting}} {
		v := parseValues(q.Values().Encode())
		if got := parseWait(v); got != q || v.end() != nil {
			t.Errorf("%+v: %+v, %v", q, got, v.end())
		}
	}
}

// FuzzRequests: whatever is asked is refused with a bad request, or means the
// same when it is written again.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{"", "since=10m&follow=1", "since=7", "path=a&tail=3&previous=1", "path=a&state=ready&timeout=3s", "%zz", "a=1;b=2"} {
		f.Add(s, []byte(`{"path":"shop/db","signal":"HUP"}`))
	}
	f.Fuzz(func(t *testing.T, raw string, body []byte) {
		again(t, raw, parseEvents, EventsQuery.Values)
		again(t, raw, parseLogs, LogsQuery.Values)
		again(t, raw, parseWait, WaitQuery.Values)
		if req, err := parseRequest(body); err != nil {
			wantBadRequest(t, err)
		} else if req.Path == "" {
			t.Errorf("%q: a request without a path", body)
		}
	})
}

func again[Q any](t *testing.T, raw string, parse func(*values) Q, write func(Q) url.Values) {
	v := parseValues(raw)
	q := parse(v)
	if err := v.end(); err != nil {
		wantBadRequest(t, err)
		return
	}
	v = parseValues(write(q).Encode())
	back := parse(v)
	if d := cmp.Diff(q, back, cmp.AllowUnexported(Since{})); d != "" || v.end() != nil {
		t.Errorf("%q: %v (-first +again):\n%s", raw, v.end(), d)
	}
}

func wantBadRequest(t *testing.T, err error) {
	t.Helper()
	if e, ok := err.(*Error); !ok || e.Code != BadRequest || e.Message == "" {
		t.Errorf("got %#v, want a bad request", err)
	}
}
