package control

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Since is a place in the order of events: after a Seq, or some time ago. The
// zero Since is before the first.
type Since struct {
	seq  uint64
	ago  time.Duration
	time bool // ago counts
}

// After is the place after the event with this Seq, such as the Rev of a snapshot.
func After(seq uint64) Since { return Since{seq: seq} }

// Ago is the place where the events of the last d begin; 0: now. A d below 0 is
// refused by the server.
func Ago(d time.Duration) Since { return Since{ago: d, time: true} }

// ParseSince reads a number, for [After], or a duration as Go writes it, for
// [Ago]. The error is an *[Error], with [BadRequest].
func ParseSince(text string) (Since, error) {
	if seq, err := strconv.ParseUint(text, 10, 64); err == nil {
		return After(seq), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return Ago(d), nil
	}
	return Since{}, badRequest(`give the seq of an event, as 1234, or a duration, as 10m`, "since=%q is neither a number nor a duration", text)
}

// String is what ParseSince reads.
func (s Since) String() string {
	if s.time {
		return s.ago.String()
	}
	return strconv.FormatUint(s.seq, 10)
}

// EventsQuery says which events are wanted. The zero EventsQuery is all that are
// kept, up to now.
type EventsQuery struct {
	Since  Since
	Follow bool // go on with what happens from now on
}

// Values is the query as parameters of a URL.
func (q EventsQuery) Values() url.Values {
	v := url.Values{"since": {q.Since.String()}}
	flag(v, "follow", q.Follow)
	return v
}

func parseEvents(v *values) (q EventsQuery) {
	if text, ok := v.take("since"); ok {
		var err error
		q.Since, err = ParseSince(text)
		v.fail(err)
	}
	q.Follow = v.flag("follow")
	return q
}

// LogsQuery says which output is wanted. Path is required.
type LogsQuery struct {
	Path     string // of the child; of a supervisor: of all below it
	Tail     int    // how many lines of those that are kept, the last; or [record.All], which is 0, or [record.None]
	Previous bool   // of the incarnation before the latest
	Follow   bool   // go on with what is written from now on
}

// Values is the query as parameters of a URL.
func (q LogsQuery) Values() url.Values {
	v := url.Values{"path": {q.Path}}
	if q.Tail != record.All {
		v.Set("tail", strconv.Itoa(max(0, q.Tail)))
	}
	flag(v, "previous", q.Previous)
	flag(v, "follow", q.Follow)
	return v
}

func parseLogs(v *values) (q LogsQuery) {
	q = LogsQuery{Path: v.required("path"), Previous: v.flag("previous"), Follow: v.flag("follow")}
	if text, ok := v.take("tail"); ok {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			v.fail(badRequest("give a number of lines, or none for all", "tail=%q is no number of lines", text))
		}
		if q.Tail = int(n); n == 0 {
			q.Tail = record.None
		}
	}
	if q.Previous && q.Follow {
		v.fail(badRequest("leave one of them out", "previous and follow together: nothing is added to the output of an incarnation that is gone"))
	}
	return q
}

// WaitQuery says what is waited for. Path is required.
type WaitQuery struct {
	Path    string           // of the child
	State   strategies.State // Down (and to stay so), Up or Waiting (to be started again); others are refused
	Timeout time.Duration    // then the error is Timeout; 0: as long as it takes
}

// The names of the states that can be waited for.
var waitStates = map[string]strategies.State{"ready": strategies.Up, "stopped": strategies.Down, "waiting": strategies.Waiting}

// parseState reads the name of a state that can be waited for: ready, stopped
// or waiting (to be started again).
func parseState(name string) (strategies.State, error) {
	s, ok := waitStates[name]
	if !ok {
		return 0, badRequest("give one of "+oneOf(slices.Collect(maps.Keys(waitStates))...), "state=%q cannot be waited for", name)
	}
	return s, nil
}

func nameOf(s strategies.State) string {
	for name, other := range waitStates {
		if s == other {
			return name
		}
	}
	return s.String()
}

// Values is the query as parameters of a URL.
func (q WaitQuery) Values() url.Values {
	v := url.Values{"path": {q.Path}, "state": {nameOf(q.State)}}
	if q.Timeout > 0 {
		v.Set("timeout", q.Timeout.String())
	}
	return v
}

func parseWait(v *values) (q WaitQuery) {
	q.Path = v.required("path")
	state := v.required("state")
	if state != "" {
		var err error
		q.State, err = parseState(state)
		v.fail(err)
	}
	if text, ok := v.take("timeout"); ok {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			v.fail(badRequest("give a duration, as 30s, or none to wait as long as it takes", "timeout=%q is no time to wait", text))
		}
		q.Timeout = d
	}
	return q
}

func flag(v url.Values, name string, on bool) {
	if on {
		v.Set(name, "1")
	}
}

// values takes parameters one by one. The first thing that is wrong is kept.
type values struct {
	left url.Values
	seen []string
	err  error
}

func parseValues(raw string) *values {
	left, err := url.ParseQuery(raw)
	v := &values{left: left}
	if err != nil {
		v.fail(badRequest("encode them as in name=value&other=value", "the parameters cannot be read: %v", err))
	}
	return v
}

func (v *values) fail(err error) {
	if v.err == nil {
		v.err = err
	}
}

func (v *values) take(name string) (text string, ok bool) {
	v.seen = append(v.seen, name)
	all, ok := v.left[name]
	delete(v.left, name)
	if !ok {
		return "", false
	}
	if len(all) > 1 {
		v.fail(badRequest("give it once", "%s is given %d times", name, len(all)))
	}
	return all[0], true
}

func (v *values) required(name string) string {
	text, _ := v.take(name)
	if text == "" {
		v.fail(badRequest(fmt.Sprintf("add %s=…", name), "the parameter %s is missing", name))
	}
	return text
}

func (v *values) flag(name string) bool {
	text, ok := v.take(name)
	switch {
	case !ok, text == "0":
		return false
	case text == "1":
		return true
	}
	v.fail(badRequest("give 1 or 0", "%s=%q is neither yes nor no", name, text))
	return false
}

// end returns the first thing that was wrong; a parameter that nobody took is.
func (v *values) end() error {
	for _, name := range slices.Sorted(maps.Keys(v.left)) {
		hint := "it takes none"
		if len(v.seen) > 0 {
			hint = "there are " + oneOf(v.seen...)
		}
		v.fail(badRequest(hint, "there is no parameter %q here", name))
	}
	return v.err
}
