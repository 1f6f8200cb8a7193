package chaos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/tree/chaos"
	"github.com/coppice-go/coppice/tree/load"
)

// whole is a plan with everything in it.
const whole = `title: an api crash storm stays inside web
seed: 4711
tree: shop.yaml
steady:
  - all_ready
  - availability: {child: shop/web/api, at_least: 0.95}
  - availability: {child: shop, at_least: 1, mode: after}
method:
  - {at: 2s, fault: kill, target: {path: "shop/web/*", pick: 1}}
  - {at: 3s, fault: signal(sigterm), target: {path: "shop/web/*", pick: all}, rolling: 200ms}
  - {every: 500ms..2s, until: 30s, fault: {kill: 5, hang: 2, "exit(3)": 2}, target: {path: "shop/**", exclude: [shop/db]}}
  - {swizzle: {target: "shop/pool/*", over: 4s}, at: 10s}
  - {storm: {target: "shop/**", over: 5s, rate: 10}, at: 20s}
  - {race: two_crashes, at: 26s, target: "shop/web/*"}
  - {at: 28s, fault: emfile}
budget: {duration: 60s, faults: 200, abort_on: root_exhausted}
`

// shop is a tree of processes, as Children lists it.
func shop() []chaos.Child {
	sup := func(path, up string) chaos.Child {
		return chaos.Child{Path: path, Parent: up, Supervisor: true, Max: 3}
	}
	leaf := func(path, up string) chaos.Child { return chaos.Child{Path: path, Parent: up, Process: true, Max: 3} }
	all := []chaos.Child{
		sup("shop", ""), leaf("shop/db", "shop"), sup("shop/web", "shop"), leaf("shop/web/api", "shop/web"),
		leaf("shop/web/cache", "shop/web"), sup("shop/pool", "shop"),
	}
	for i := range 8 {
		all = append(all, leaf(fmt.Sprintf("shop/pool/%d", i), "shop/pool"))
	}
	return all
}

func parse(t testing.TB, text string) *chaos.Plan {
	t.Helper()
	p, err := chaos.ParsePlan("plan.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParsePlan(t *testing.T) {
	kill := chaos.One("kill")
	want := &chaos.Plan{
		Title: "an api crash storm stays inside web", Seed: 4711, Tree: "shop.yaml",
		Steady: []chaos.Steady{
			chaos.AllReady{}, chaos.Availability{Child: "shop/web/api", AtLeast: 0.95}, chaos.Availability{Child: "shop", AtLeast: 1, Mode: chaos.After},
		},
		Method: []chaos.Step{
			chaos.At{Time: 2 * time.Second, Fault: kill, Target: chaos.Target{Path: "shop/web/*", Pick: 1}},
			chaos.At{Time: 3 * time.Second, Fault: chaos.One("signal(TERM)"), Target: chaos.Target{Path: "shop/web/*", Pick: chaos.All}, Rolling: 200 * time.Millisecond},
			chaos.Every{
				Least: 500 * time.Millisecond, Most: 2 * time.Second, Until: 30 * time.Second,
				Fault:  chaos.Choice{{kill[0].Fault, 5}, {chaos.One("hang(2s)")[0].Fault, 2}, {chaos.One("exit(3)")[0].Fault, 2}},
				Target: chaos.Target{Path: "shop/**", Exclude: []string{"shop/db"}},
			},
			chaos.Swizzle{Time: 10 * time.Second, Over: 4 * time.Second, Target: chaos.Target{Path: "shop/pool/*"}},
			chaos.Storm{Time: 20 * time.Second, Over: 5 * time.Second, Rate: 10, Target: chaos.Target{Path: "shop/**"}},
			chaos.Race{Kind: "two_crashes", Time: 26 * time.Second, Target: chaos.Target{Path: "shop/web/*"}},
			chaos.At{Time: 28 * time.Second, Fault: chaos.One("emfile")},
		},
		Budget: chaos.Budget{Duration: time.Minute, Faults: 200, AbortOn: []chaos.Abort{chaos.RootExhausted}},
	}
	got := parse(t, whole)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// The JSON form is a plan file, too.
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	again := new(chaos.Plan)
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if want.Steady[1] = (chaos.Availability{Child: "shop/web/api", AtLeast: 0.95, Mode: chaos.Continuous}); cmp.Diff(want, again) != "" {
		t.Errorf("JSON and back, -want +got:\n%s", cmp.Diff(want, again))
	}
}

// Every problem is told, with its place.
func TestParsePlanProblems(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", []string{"1:1: the file has nothing in it; a plan has at least the key method"}},
		{"no mapping", "- 1", []string{"1:1: expected a plan, a mapping of keys to values, found a list"}},
		{"no YAML", "method: [", []string{"this is not YAML"}},
		{"too deep", "method: " + strings.Repeat("[", 100_000), []string{"this is not YAML: it is nested too deeply"}},
		{"deep", "method: " + strings.Repeat("[", 30) + strings.Repeat("]", 30), []string{"this is nested too deeply"}},
		{"too large", "# " + strings.Repeat("x", 2<<20), []string{"the file is too large for a plan; 1 MiB is the most"}},
		{"no method", "seed: 1", []string{"1:1: a plan needs the key method"}},
		{"two documents", "method: []\n---\nmethod: []\n", []string{"a second document begins here"}},
		{"anchor", "method: &x []", []string{"anchors, aliases, merge keys and tags have no meaning in a plan"}},
		{
			"many things",
			"seed: -1\ntitel: x\nmethod:\n  - {at: 2, fault: kil, target: a}\n  - {at: 2s, fault: kill}\n  - {every: 2s..1s, until: 1s, fault: {kill: 0}, target: {path: \"a[\", pick: 0}}\n  - {race: x, at: 1s, target: a}\n  - storm\nbudget: {abort_on: x}\n",
			[]string{
				`1:7: expected a whole number that is not negative, found "-1"`,
				`2:1: unknown key "titel" in a plan; there are budget, method, seed, steady, title, tree`,
				`4:10: expected a duration, found "2"; as in 500ms, 5s or 1m30s`,
				`4:20: there is no fault "kil"; there are kill, signal, hang, exit,`,
				`5:5: a step with the fault kill needs the key target`,
				`6:13: expected two durations of at least 1ms, the smaller one first, found "2s..1s"`,
				`6:46: expected a whole number of at least 1, found "0"`,
				`6:65: "a[" is no pattern`,
				`6:77: expected a number of children, or all, found "0"`,
				`7:12: there is no race "x"; there are stop_in_crash, crash_in_stop, two_crashes, start_in_escalation`,
				`8:5: expected a step, as {at: 2s, fault: kill, target: "shop/**"}, found "storm"`,
				`9:20: expected root_exhausted or giving_up, found "x"`,
			},
		},
		{"steady", "method: []\nsteady: [ready, {availability: {child: a, at_least: 2, mode: now}}]", []string{
			`expected all_ready, or availability with what is wanted, found "ready"`,
			"expected a number above 0, and no more than 1, found \"2\"", "expected before, after or continuous",
		}},
		{"child kinds are no faults", "method: [{at: 1s, fault: floods, target: a}]", []string{"floods is nothing that a plan can do to a tree: run a child as `coppice misbehave flood --bytes 0`"}},
		{"arguments", "method: [{at: 1s, fault: exit(256), target: a}, {at: 1s, fault: hang(x), target: a}, {at: 1s, fault: kill(1), target: a}, {at: 1s, fault: signal(FOO), target: a}, {at: 1s, fault: \"hang(1s\", target: a}]", []string{
			"exit(256): give an exit code, from 0 to 255", "hang(x): give a duration", "kill takes no argument", "signal(FOO): give the name of a signal", "has no closing parenthesis",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := chaos.ParsePlan("plan.yaml", []byte(tt.text))
			all, ok := errors.AsType[*load.Error](err)
			if !ok {
				t.Fatalf("the error is %v", err)
			}
			var got []string
			for _, p := range all.Problems {
				line, _, _ := strings.Cut(p.Error(), "\n")
				got = append(got, strings.TrimPrefix(line, "plan.yaml:"))
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, want) }) {
					t.Errorf("no problem %q among\n%s", want, strings.Join(got, "\n"))
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("%d problems, want %d:\n%s", len(got), len(tt.want), strings.Join(got, "\n"))
			}
		})
	}
}

// The same seed makes the same list, whatever the order of the children.
func TestExpandSeed(t *testing.T) {
	p := parse(t, whole)
	text := func(seed uint64, children []chaos.Child) string {
		c, err := p.Expand(seed, children)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := text(4711, shop())
	for range 20 {
		shuffled := shop()
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := text(4711, shuffled); got != want {
			t.Fatalf("-want +got:\n%s", cmp.Diff(want, got))
		}
	}
	if text(4712, shop()) == want {
		t.Error("another seed makes the same list")
	}
	var back chaos.Concrete
	if err := json.Unmarshal([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(back); err != nil || string(b) != want {
		t.Errorf("JSON and back: %v\n%s", err, cmp.Diff(want, string(b)))
	}
}

// A seed means the same in every release, on every machine.
func TestExpandFrozen(t *testing.T) {
	p := parse(t, `method:
  - {at: 1s, fault: kill, target: {path: "shop/web/*", pick: all}, rolling: 10ms}
  - {every: 100ms..900ms, until: 2s, fault: {kill: 1, hang: 1}, target: "shop/**"}
  - {swizzle: {target: {path: "shop/pool/*", pick: 3}, over: 3s}, at: 4s}
  - {storm: {target: "shop/pool/*", over: 500ms, rate: 8}, at: 8s}
  - {race: start_in_escalation, at: 9s, target: shop/web/api}
`)
	c, err := p.Expand(1, shop())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimLeft(frozen, "\n"), c.String()); diff != "" {
		t.Errorf("-want +got:\n%s\n%s", diff, c)
	}
}

const frozen = `
   0.715s  kill             shop/pool/4
   1.000s  kill             shop/web/api
   1.010s  kill             shop/web/cache
   1.568s  hang(2s)         shop/pool/4
   1.935s  kill             shop/pool/4
   4.000s  stop(2.5s)       shop/pool/3
   4.500s  stop(1.5s)       shop/pool/1
   5.000s  stop(2s)         shop/pool/0
   8.061s  kill             shop/pool/4
   8.071s  kill             shop/pool/0
   8.099s  kill             shop/pool/0
   8.115s  kill             shop/pool/3
   9.000s  kill             shop/web/api
   9.050s  kill             shop/web/api
   9.100s  kill             shop/web/api
   9.150s  kill             shop/web/api
   9.150s  start            shop/web/cache
   9.152s  start            shop/web/cache
`

func TestExpand(t *testing.T) {
	expand := func(step string, budget string) chaos.Concrete {
		t.Helper()
		c, err := parse(t, "method: ["+step+"]\n"+budget).Expand(7, shop())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	paths := func(c chaos.Concrete) (all []string) {
		for _, f := range c.Faults {
			all = append(all, f.Path)
		}
		slices.Sort(all)
		return all
	}
	t.Run("** is any number of names, exclude leaves out", func(t *testing.T) {
		got := paths(expand(`{at: 1s, fault: kill, target: {path: "shop/**", exclude: ["shop/pool/**"], pick: all}}`, ""))
		if diff := cmp.Diff([]string{"shop/db", "shop/web/api", "shop/web/cache"}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("pick draws different ones", func(t *testing.T) {
		got := paths(expand(`{at: 1s, fault: kill, target: {path: "shop/pool/*", pick: 5}}`, ""))
		if len(slices.Compact(got)) != 5 {
			t.Errorf("%v", got)
		}
	})
	t.Run("the pauses of every are within their bounds", func(t *testing.T) {
		c := expand(`{every: 100ms..300ms, from: 1s, until: 20s, fault: kill, target: "shop/*"}`, "")
		last := time.Second
		for _, f := range c.Faults {
			if d := f.At - last; d < 100*time.Millisecond || d > 300*time.Millisecond {
				t.Errorf("a pause of %v before %v", d, f)
			}
			last = f.At
		}
		if n := len(c.Faults); n < 19*1000/300-1 || last > 20*time.Second {
			t.Errorf("%d faults until %v", n, last)
		}
	})
	t.Run("weights", func(t *testing.T) {
		c := expand(`{every: 1ms, until: 5s, fault: {kill: 9, hang: 1}, target: "shop/*"}`, "")
		kills := 0
		for _, f := range c.Faults {
			if f.Fault.Class == "kill" {
				kills++
			}
		}
		if part := float64(kills) / float64(len(c.Faults)); part < 0.87 || part > 0.93 {
			t.Errorf("%d kills of %d faults", kills, len(c.Faults))
		}
	})
	t.Run("a swizzle stops all before it starts any, in another order", func(t *testing.T) {
		c := expand(`{at: 1s, swizzle: {target: {path: "shop/pool/*", pick: all}, over: 4s}}`, "")
		var stops, starts []string
		ends := map[string]time.Duration{}
		for _, f := range c.Faults {
			d, err := time.ParseDuration(f.Fault.Arg)
			if f.Fault.Class != "stop" || err != nil || f.At < time.Second || f.At >= 3*time.Second || f.At+d <= 3*time.Second || f.At+d > 5*time.Second {
				t.Errorf("%v", f)
			}
			stops = append(stops, f.Path)
			ends[f.Path] = f.At + d
		}
		starts = slices.SortedFunc(slices.Values(stops), func(a, b string) int { return int(ends[a] - ends[b]) })
		if len(stops) != 8 || slices.Equal(stops, starts) {
			t.Errorf("stops %v, starts %v", stops, starts)
		}
	})
	t.Run("a storm has its rate", func(t *testing.T) {
		c := expand(`{at: 2s, storm: {target: "shop/**", over: 20s, rate: 50}}`, "")
		if n := len(c.Faults); n != 1000 || c.Faults[0].At < 2*time.Second || c.Faults[n-1].At > 22*time.Second {
			t.Errorf("%d faults in 20 s at 50 a second", n)
		}
	})
	t.Run("an escalation takes one more than is allowed", func(t *testing.T) {
		c := expand(`{race: start_in_escalation, at: 1s, target: shop/web/api}`, "")
		var got []string
		for _, f := range c.Faults {
			got = append(got, f.Fault.String()+" "+f.Path)
		}
		k, s := "kill shop/web/api", "start shop/web/cache"
		if diff := cmp.Diff([]string{k, k, k, k, s, s}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("a budget of faults and time", func(t *testing.T) {
		if n := len(expand(`{every: 1s, until: 1h, fault: kill, target: "shop/*"}`, "budget: {faults: 7}").Faults); n != 7 {
			t.Errorf("%d faults", n)
		}
		if n := len(expand(`{every: 1s, until: 1h, fault: kill, target: "shop/*"}`, "budget: {duration: 9s}").Faults); n != 9 {
			t.Errorf("%d faults", n)
		}
	})
	t.Run("what fits nothing is left out, and said", func(t *testing.T) {
		c := expand(`{every: 1s, until: 9s, fault: {kill: 1, "exit(3)": 100}, target: "shop/*"}`, "")
		if len(c.Faults) != 9 || len(c.Skipped) != 1 || c.Skipped[0].Fault.String() != "exit(3)" || !strings.Contains(c.String(), "no exit(3): it works on a leaf wrapped by an Injector") {
			t.Errorf("%v", c)
		}
	})
}

func TestExpandErrors(t *testing.T) {
	for _, tt := range []struct{ plan, want string }{
		{`method: [{at: 1s, fault: kill, target: shop/wbe}]`, `step 1 of the method: nothing in the tree matches the target "shop/wbe"`},
		{`method: [{at: 1s, fault: panic, target: "shop/*"}]`, "panic(injected) works on a leaf wrapped by an Injector, and shop/* matches none in this tree"},
		{`method: [{at: 1s, fault: kill, target: shop/web}]`, "kill works on a process, and shop/web matches none"},
		{`method: [{storm: {target: "shop/web", over: 1s}}]`, "a storm is for processes and wrapped leaves, and shop/web matches none"},
		{`method: [{race: two_crashes, at: 1s, target: shop/web}]`, "a race is among processes"},
		{`method: [{every: 1ms, until: 100h, fault: kill, target: "shop/*"}]`, "there are more than 100000 faults"},
		{"method: []\nsteady: [{availability: {child: shop/x, at_least: 0.5}}]", "availability of shop/x: there is no shop/x in the tree"},
	} {
		_, err := parse(t, tt.plan).Expand(1, shop())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.plan, err, tt.want)
		}
	}
}

func FuzzParsePlan(f *testing.F) {
	f.Add(whole)
	f.Add("method: []")
	f.Add("method: [{at: 1s, fault: {kill: 1}, target: {path: a, exclude: [b], pick: all}}]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := chaos.ParsePlan("plan.yaml", []byte(text))
		if err != nil {
			if all, ok := errors.AsType[*load.Error](err); !ok || len(all.Problems) == 0 {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := chaos.ParsePlan("plan.json", b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(b) {
			t.Errorf("%s\nthen %s, %v", b, second, err)
		}
	})
}
