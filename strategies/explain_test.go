package strategies_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-go/coppice/strategies"
)

func limited(max int) strategies.Intensity {
	return strategies.Intensity{Max: max, Within: time.Minute}
}

func leaf(id string) strategies.ChildSpec { return strategies.ChildSpec{ID: id} }

func branch(id string) strategies.ChildSpec {
	return strategies.ChildSpec{ID: id, Kind: strategies.Supervisor}
}

// shop is a store that web depends on; web's two children live and die together.
func shop() *strategies.Tree {
	return &strategies.Tree{
		Name:   "shop",
		Config: strategies.Config{Strategy: strategies.RestForOne, Intensity: limited(2), Children: []strategies.ChildSpec{leaf("store"), branch("web"), leaf("mail")}},
		Nested: map[string]*strategies.Tree{"web": {Config: strategies.Config{
			Strategy: strategies.OneForAll, Intensity: limited(3), Children: []strategies.ChildSpec{leaf("api"), leaf("cache")},
		}}},
	}
}

func TestExplain(t *testing.T) {
	transient := shop()
	transient.Config.Children[1].Restart = strategies.Transient
	batch := shop()
	batch.Config.AutoShutdown = strategies.AnySignificant
	batch.Config.Children[1].Restart, batch.Config.Children[1].Significant = strategies.Temporary, true
	slow := shop()
	slow.Config.Children[0].Backoff = strategies.Backoff{Min: time.Hour}
	endless := shop()
	endless.Nested["web"].Config.Intensity.Max = 1 << 30
	for _, c := range []struct {
		name, path    string
		tree          *strategies.Tree
		stops, starts string
		end           string // supervisor at crash
	}{
		{name: "a store takes with it what was started after it", tree: shop(), path: "shop/store",
			stops:  "shop/mail shop/web shop/web/cache shop/web/api",
			starts: "shop/store shop/web shop/web/api shop/web/cache shop/mail",
			end:    "shop 3 exhausted"},
		{name: "each level multiplies (rule G4)", tree: shop(), path: "shop/web/api",
			stops: "shop/web/cache", starts: "shop/web/api shop/web/cache",
			end: "shop/web 4 exhausted, shop 12 exhausted"},
		{name: "a transient supervisor that gives up is not restarted (rule G2)", tree: transient, path: "shop/web/api",
			stops: "shop/web/cache", starts: "shop/web/api shop/web/cache",
			end: "shop/web 4 exhausted"},
		{name: "the end of a significant child is its parent's (rule K8)", tree: batch, path: "shop/web/cache",
			stops: "shop/web/api", starts: "shop/web/api shop/web/cache",
			end: "shop/web 4 exhausted, shop 4 auto_stopped"},
		{name: "with a backoff the window empties between crashes", tree: slow, path: "shop/store",
			stops:  "shop/mail shop/web shop/web/cache shop/web/api",
			starts: "shop/store shop/web shop/web/api shop/web/cache shop/mail"},
		{name: "what does not come about in ten thousand crashes", tree: endless, path: "shop/web/api",
			stops: "shop/web/cache", starts: "shop/web/api shop/web/cache"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := strategies.Explain(c.tree, c.path)
			if err != nil {
				t.Fatal(err)
			}
			var ends []string
			for _, e := range x.Escalation {
				ends = append(ends, fmt.Sprintf("%s %d %v", e.Path, e.Crashes, e.Why))
				if e.Within.Within != time.Minute {
					t.Errorf("%s: within %v", e.Path, e.Within)
				}
			}
			got := []string{strings.Join(x.Stops, " "), strings.Join(x.Starts, " "), strings.Join(ends, ", ")}
			if d := cmp.Diff([]string{c.stops, c.starts, c.end}, got); d != "" {
				t.Errorf("stops, starts, ends (-want +got):\n%s", d)
			}
		})
	}
}

func TestExplainRefuses(t *testing.T) {
	twice := shop()
	twice.Nested["web"].Config.Children[1].ID = "api"
	for path, tree := range map[string]*strategies.Tree{
		"shop": shop(), "shop/web": shop(), "shop/nobody": shop(), "shop/web/nobody": shop(), "shop/store/x": shop(),
		"other/store": shop(), "shop.web/api": shop(), "nobody": shop(), "shop/web/api": twice,
	} {
		if _, err := strategies.Explain(tree, path); err == nil {
			t.Errorf("%s is explained", path)
		}
		if _, err := strategies.Simulate(tree, strategies.Failure{Path: path}); err == nil {
			t.Errorf("%s is simulated", path)
		}
	}
	err := twice.Validate()
	if !errors.Is(err, strategies.ErrDuplicate) || !strings.Contains(err.Error(), "shop/web/api") {
		t.Errorf("Validate: %v", err)
	}
}

func TestWorkers(t *testing.T) {
	tree := shop()
	got := slices.Collect(tree.Workers())
	if d := cmp.Diff([]string{"shop/store", "shop/web/api", "shop/web/cache", "shop/mail"}, got); d != "" {
		t.Error(d)
	}
	for path := range tree.Workers() {
		if path == "shop/web/api" {
			break // and no panic
		}
	}
}

func TestSimulate(t *testing.T) {
	tree := shop()
	tree.Config.Children[2].Backoff = strategies.Backoff{Min: 2 * time.Second}
	events, err := strategies.Simulate(tree,
		strategies.Failure{Path: "shop/mail", At: 5 * time.Second, Exit: strategies.Exit{Class: strategies.Crash}},
		strategies.Failure{Path: "shop/web/api", At: time.Second, Exit: strategies.Exit{Class: strategies.Killed}},
		strategies.Failure{Path: "shop/mail", At: 6 * time.Second}, // it does not run then
	)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		switch {
		case e.At == 0: // the boot
		case e.Exited:
			got = append(got, fmt.Sprintf("%v %s#%d %v", e.At, e.Path, e.Incarnation, e.Exit))
		case e.Action.Do == strategies.DoStart:
			got = append(got, fmt.Sprintf("%v start %s#%d", e.At, e.Path, e.Incarnation))
		}
	}
	if d := cmp.Diff([]string{
		"1s shop/web/api#1 killed", "1s shop/web/cache#1 shutdown", "1s start shop/web/api#2", "1s start shop/web/cache#2",
		"5s shop/mail#1 crash", "7s start shop/mail#2",
	}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The names of the enums are read as they are written.
func TestNamesAreReadBack(t *testing.T) {
	type all struct {
		Strategy     strategies.Strategy
		Restart      strategies.Restart
		Class        strategies.Class
		AutoShutdown strategies.AutoShutdown
		Kind         strategies.Kind
		State        strategies.State
		Intensity    strategies.Intensity
	}
	want := all{strategies.Dependents, strategies.Temporary, strategies.ShutdownTerm, strategies.AllSignificant, strategies.Supervisor, strategies.Waiting, limited(3)}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got all
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Errorf("%s is read as %+v, %v", b, got, err)
	}
	for field := range strings.SplitSeq("Strategy Restart Class AutoShutdown Kind State", " ") {
		if err := json.Unmarshal(fmt.Appendf(nil, `{%q:"nonsense"}`, field), &got); err == nil || !strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%s: nonsense is read: %v", field, err)
		}
	}
	if json.Unmarshal([]byte(`{"Intensity":{"max":"many"}}`), &got) == nil {
		t.Error("an intensity without numbers is read")
	}
}
