package main

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/controltest"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Which tree is meant is clear, or the remedy is told.
func TestWhichTree(t *testing.T) {
	dir := socketDir(t)
	for _, args := range [][]string{
		{"ps"}, {"tree"}, {"events"}, {"logs"}, {"why", "shop"}, {"wait", "--ready", "shop"}, {"reload"},
		{"start", "shop/a"}, {"stop", "shop/a"}, {"restart", "shop/a"}, {"signal", "shop/a", "HUP"},
	} {
		refusedWith(t, exit.NoTree, "no tree is running; start one with `coppice run FILE`", args...)
	}
	spec := tree.Spec{Children: []tree.Child{{ID: "a", Start: tree.Func(controltest.Wait)}}}
	controltest.StartIn(t, dir, "shop", spec)
	refusedWith(t, exit.NoTree, `no tree named "barn" is running; there is shop`, "ps", "--name", "barn")
	controltest.StartIn(t, dir, "mill", spec)
	refusedWith(t, exit.Usage, "2 trees are running, give --name: mill, shop", "ps")
	if got := stdoutOf(t, "ps", "--name", "mill"); !strings.Contains(got, "\nmill ") {
		t.Error(got)
	}
}

// A command line that makes no sense is refused before a tree is looked for.
func TestRunningUsage(t *testing.T) {
	socketDir(t)
	for why, args := range map[string][]string{
		"why: PATH is missing": {"why"},
		"signal: SIGNAL is missing: `coppice signal PATH SIGNAL`":    {"signal", "shop/a"},
		`signal: "NOPE" is no signal`:                                {"signal", "shop/a", "NOPE"},
		`ps: "b" is one argument too many: ` + "`coppice ps [PATH]`": {"ps", "a", "b"},
		"wait: give either --ready or --stopped":                     {"wait", "a"},
		"wait: --timeout -1s: give a duration greater than 0":        {"wait", "--ready", "a", "--timeout", "-1s"},
		"events: --since yesterday: give the number of an event":     {"events", "--since", "yesterday"},
		"logs: --previous with --follow":                             {"logs", "-p", "-f"},
		"logs: --tail -2: give a number of lines":                    {"logs", "--tail", "-2"},
		"restart: --output xml: give table or json":                  {"restart", "a", "--output", "xml"},
		"stop: flag provided but not defined: --force":               {"stop", "a", "--force"},
		"completion: give one shell: bash, zsh or fish":              {"completion", "csh"},
	} {
		refusedWith(t, exit.Usage, why, args...)
	}
	refusedWith(t, exit.Usage, "give either --ready or --stopped", "wait", "--ready", "--stopped", "a")
}

func TestPS(t *testing.T) {
	s := startShop(t)
	s.crash(t, s.cache, "out of cheese")
	got := regexp.MustCompile(" {2,}").ReplaceAllString(stdoutOf(t, "ps"), "  ")
	diffText(t, `
CHILD  STATE  PID  UPTIME  RUN  RULE  RESTARTS  LAST EXIT
shop  up  -  0s  #1  rest_for_one  0/3 in 5s  -
├─ db  up  -  0s  #1  permanent  -  -
└─ web  up  -  0s  #1  one_for_all  1/1 in 5s, refill in SPAN  -
  ├─ api  up  -  0s  #2  permanent  -  stopped as told AGO
  └─ cache  up  -  0s  #2  permanent  -  out of cheese AGO
`, stable(got))
	if got := stdoutOf(t, "tree", "shop/web/api"); !strings.Contains(got, "\nshop/web/api  up ") || strings.Contains(got, "cache") {
		t.Error(got)
	}
	refusedWith(t, exit.Usage, `there is no child "shop/web/cahce"; did you mean shop/web/cache?`, "ps", "shop/web/cahce")
	refusedWith(t, exit.Usage, "shop/once is not in the tree any more; `coppice why shop/once` tells of its end", "ps", "shop/once")
}

func TestPSJSON(t *testing.T) {
	s := startShop(t)
	for _, args := range [][]string{{"ps", "--output", "json"}, {"ps", "--output", "json", "shop/web"}} {
		got := jsonLines[tree.Snapshot](t, stdoutOf(t, args...))
		want := s.Root.Snapshot()
		if len(args) == 4 {
			want.Root = want.Root.Supervisor.Children[1]
		}
		if len(got) != 1 {
			t.Fatalf("%d documents", len(got))
		}
		want.Time = got[0].Time
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got[0])
		if d := cmp.Diff(string(a), string(b)); d != "" {
			t.Errorf("%q (-want +got):\n%s", args, d)
		}
	}
}

func TestEvents(t *testing.T) {
	s := startShop(t)
	before := s.Root.Snapshot().Rev
	s.crash(t, s.cache, "out of cheese")
	diffText(t, `
TIME  shop/web/cache            ended: out of cheese  [shop/web/cache#1]
TIME  shop/web/cache            this end counts as a failure  [shop/web/cache#1]
TIME  shop/web/cache            restarting api, cache together: restart 1 of 1  [shop/web/cache#1]
TIME  shop/web/cache            starting, incarnation 2  [shop/web/cache#1]
TIME  shop/web/cache            up, incarnation 2  [shop/web/cache#1]
`, stable(stdoutOf(t, "events", "shop/web/cache", "--since", seq(before))))
	all := jsonLines[tree.Event](t, stdoutOf(t, "events", "-o", "json"))
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has seq %d", i+1, e.Seq)
		}
	}
	if rev := s.Root.Snapshot().Rev; uint64(len(all)) != rev {
		t.Errorf("%d events of %d", len(all), rev)
	}
	if got := jsonLines[tree.Event](t, stdoutOf(t, "events", "-o", "json", "--since", "10m")); len(got) != len(all) {
		t.Errorf("%d events of the last 10 minutes, want %d", len(got), len(all))
	}
	refusedWith(t, exit.Usage, "did you mean shop/db?", "events", "shop/bd")
	refusedWith(t, exit.Failed, "there was none with seq 9999", "events", "--since", "9999")
}

// What is not kept any more is told, whatever is asked for.
func TestEventsLost(t *testing.T) {
	startShop(t, func(c *control.Config) { c.Book = record.New(record.Limits{Events: 3}) })
	if got := stdoutOf(t, "events", "shop/db"); !strings.HasPrefix(got, "--- ") || !strings.Contains(got, "events are missing here") || strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
	got := jsonLines[tree.Event](t, stdoutOf(t, "events", "-o", "json"))
	if len(got) != 4 || got[0].Kind != tree.EventDropped || got[0].N+3 != got[3].Seq {
		t.Errorf("%+v", got)
	}
}

// A stream that is followed begins with what happens then, and ends with the
// tree, in order.
func TestEventsFollow(t *testing.T) {
	s := startShop(t)
	pipe := follow(t, "events", "--follow", "-o", "json", "--since", seq(s.Root.Snapshot().Rev))
	s.db <- errors.New("disk full")
	dec := json.NewDecoder(pipe)
	var kinds []string
	for {
		var e tree.Event
		if err := dec.Decode(&e); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, e.Kind.String())
		if e.Kind == tree.EventProgress && e.Path == "shop/web" {
			break
		}
	}
	if kinds[0] != "exited" || kinds[2] != "restarting" {
		t.Errorf("%v", kinds)
	}
	s.end(t)
	var e tree.Event
	for dec.Decode(&e) == nil { // until the command ends
	}
	if e.Kind != tree.EventExited || e.Path != "shop" {
		t.Errorf("the last event was %v of %s", e.Kind, e.Path)
	}
}

// Without --since, a stream that is followed tells nothing of what was before.
func TestEventsFollowFromNow(t *testing.T) {
	s := startShop(t)
	before := s.Root.Snapshot().Rev
	pipe := follow(t, "events", "-f", "-o", "json")
	first := make(chan tree.Event, 1)
	go func() {
		var e tree.Event
		dec := json.NewDecoder(pipe)
		_ = dec.Decode(&e)
		first <- e
		for dec.Decode(&e) == nil { // until the command ends
		}
	}()
	for { // something happens until the command has seen something
		select {
		case e := <-first:
			if e.Seq <= before {
				t.Errorf("%v", e)
			}
			s.end(t)
			return
		default:
			stdoutOf(t, "restart", "shop/db")
		}
	}
}
