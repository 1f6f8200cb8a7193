package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestRing: a ring is a queue, and has room for at most twice of what it held.
func TestRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring[int]
		var want []int
		most := 4
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			if len(want) > 0 && rapid.Bool().Draw(t, "pop") {
				if got := r.pop(); got != want[0] {
					t.Fatalf("pop is %d, want %d", got, want[0])
				}
				want = want[1:]
			} else {
				r.push(i)
				want = append(want, i)
				if got := r.newest(); got != i {
					t.Fatalf("newest is %d, want %d", got, i)
				}
			}
			most = max(most, len(want))
			var got []int
			for j := range r.len() {
				got = append(got, *r.at(j))
			}
			if d := cmp.Diff(append([]int(nil), want...), got); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
			if len(r.buf) > 2*most {
				t.Fatalf("room for %d, but there were never more than %d", len(r.buf), most)
			}
		}
	})
}
