package chaos

import (
	"math"
	"testing"
	"time"
)

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          bool
	}{
		{"shop", "shop", true},
		{"shop", "shop/a", false},
		{"shop/*", "shop/a", true},
		{"shop/*", "shop", false},
		{"shop/*", "shop/a/b", false},
		{"shop/**", "shop", true},
		{"shop/**", "shop/a/b/c", true},
		{"**", "shop/a", true},
		{"**/api", "shop/web/api", true},
		{"**/api", "api", true},
		{"**/api", "shop/web/apis", false},
		{"shop/**/api", "shop/api", true},
		{"shop/**/api", "shop/a/b/api", true},
		{"shop/**/b/**", "shop/a/b/api", true},
		{"shop/w?b/[ab]*", "shop/web/api", true},
		{"shop/w?b/[ab]*", "shop/web/cache", false},
		{"*/worker-[0-9]", "shop/worker-3", true},
	} {
		if got := glob(tt.pattern, tt.path); got != tt.want {
			t.Errorf("glob(%q, %q) is %v", tt.pattern, tt.path, got)
		}
	}
}

func TestPercentiles(t *testing.T) {
	var t100 times
	for i := range 100 {
		t100.all = append(t100.all, time.Duration(100-i)*time.Millisecond)
	}
	if got, want := t100.recovery(), (Recovery{N: 100, P50: 50, P90: 90, P99: 99, Max: 100}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	one := times{all: []time.Duration{time.Second}, never: 3}
	if got, want := one.recovery(), (Recovery{N: 1, P50: 1000, P90: 1000, P99: 1000, Max: 1000, Never: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := (&times{}).recovery(); got != (Recovery{}) {
		t.Errorf("%+v", got)
	}
}

// Leaves that are away at the same time are so once; what need not run is never.
func TestAvailable(t *testing.T) {
	begin := time.Unix(0, 0)
	at := func(s float64) time.Time { return begin.Add(time.Duration(s * float64(time.Second))) }
	leaf := func(path string, spans ...span) *lane { return &lane{path: path, spans: spans} }
	h := &history{lanes: []*lane{
		{path: "t", supervisor: true, spans: []span{{at(0), phaseUp, 1}}},
		leaf("t/a", span{at(0), phaseUp, 1}, span{at(2), phaseDown, 1}, span{at(3), phaseStarting, 2}, span{at(4), phaseUp, 2}),
		leaf("t/b", span{at(0), phaseUp, 1}, span{at(3), phaseStopping, 1}, span{at(5), phaseUp, 2}),
		leaf("t/c", span{at(0), phaseUp, 1}, span{at(9), phaseDone, 1}),
	}}
	for _, tt := range []struct {
		path     string
		from, to float64
		want     float64
	}{
		{"t/a", 0, 10, 0.8},
		{"t/b", 0, 10, 0.8},
		{"t/c", 0, 10, 1},
		{"t", 0, 10, 0.7},
		{"t", 2.5, 4.5, 0},
		{"t", 0, 2, 1},
		{"t/a", 3, 3, 0},
		{"t/a", 5, 5, 1},
		{"t/c", 9.5, 9.5, 1},
	} {
		if got := h.available(tt.path, at(tt.from), at(tt.to)); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s from %v to %v: %v, want %v", tt.path, tt.from, tt.to, got, tt.want)
		}
	}
}
