package offline

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDeaths(t *testing.T) {
	const ms = time.Millisecond
	for s, want := range map[string]Deaths{
		"shop/db@1.5s":            {{"shop/db", 1500 * ms}},
		"shop/db@0s":              {{"shop/db", 0}},
		"a/b@home@2s":             {{"a/b@home", 2000 * ms}},
		"a/b,c@1ms":               {{"a/b,c", ms}},
		"a/*b/c@1s":               {{"a/*b/c", 1000 * ms}},
		"shop/db@1s*3/200ms":      {{"shop/db", 1000 * ms}, {"shop/db", 1200 * ms}, {"shop/db", 1400 * ms}},
		"shop/db@1s*1/8760h":      {{"shop/db", 1000 * ms}},
		"shop/db@8760h0m0s*1/1ns": {{"shop/db", maxTime}},
	} {
		var got Deaths
		if err := got.Set(s); err != nil {
			t.Errorf("%s: %v", s, err)
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", s, d)
		}
	}
}

func TestDeathsRefused(t *testing.T) {
	for s, want := range map[string]string{
		"":                          "give PATH@TIME",
		"shop/db":                   "give PATH@TIME",
		"@1s":                       "give PATH@TIME",
		"shop/db@":                  `"" is no time`,
		"shop/db@1":                 `"1" is no time: give one with its unit`,
		"shop/db@-1s":               "give one from 0s to 8760h0m0s",
		"shop/db@8761h":             "give one from 0s to 8760h0m0s",
		"shop/db@1s*5":              "*5: say how far apart",
		"shop/db@1s*0/1s":           `"0" is no number of deaths: give one from 1 to 10000`,
		"shop/db@1s*many/1s":        `"many" is no number of deaths`,
		"shop/db@1s*10001/1s":       `"10001" is no number of deaths`,
		"shop/db@1s*5/0s":           `"0s" is no time between 5 deaths`,
		"shop/db@1s*5/200":          `"200" is no time between 5 deaths: give one with its unit`,
		"shop/db@1s*10000/2562047h": "is no time between",
	} {
		var d Deaths
		if err := d.Set(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
		if len(d) > 0 {
			t.Errorf("%q makes %d deaths", s, len(d))
		}
	}
	var d Deaths
	if err := d.Set("a/b@1s*10000/1ms"); err != nil {
		t.Fatal(err)
	}
	if err := d.Set("a/b@1s"); err == nil || len(d) != maxDeaths {
		t.Errorf("one death more than allowed: %v", err)
	}
}
