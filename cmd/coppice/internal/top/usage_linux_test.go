package top

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const stat = "42 (a) (b 1 2) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 7 7 20 0 1 0 9 1000 3 18446744073709551615 1 1 0"
	want := Used{CPU: 2 * time.Second, RSS: 3 * int64(os.Getpagesize())}
	if got, ok := parseStat([]byte(stat)); !ok || got != want {
		t.Errorf("%+v, %v; want %+v", got, ok, want)
	}
	for _, text := range []string{"", "42 (a) S 1 2 3", "42 (a) S 1 42 42 0 -1 4194560 1 0 0 0 x 50 7 7 20 0 1 0 9 1000 3"} {
		if got, ok := parseStat([]byte(text)); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// This process uses memory; the one that cannot be is left out.
func TestSample(t *testing.T) {
	got := sample([]int{os.Getpid(), 1 << 30})
	if u, ok := got[os.Getpid()]; !ok || u.RSS < 1<<20 || len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
