package chaos_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/chaos"
)

// A sink that panics at every event harms nothing but itself: each panic is logged,
// the next event is given to it all the same, and the tree keeps its rules.
func TestSinkPanics(t *testing.T) {
	var (
		log   bytes.Buffer
		mu    sync.Mutex // guards log
		calls atomic.Uint64
		root  *tree.Supervisor
	)
	t.Cleanup(func() { // after that of live: Serve has returned, and waited for the sink
		mu.Lock()
		defer mu.Unlock()
		logged := uint64(strings.Count(log.String(), `panic="the sink is broken"`))
		if events := root.Snapshot().Rev; calls.Load() != events || logged != events {
			t.Errorf("%d events: the sink was called %d times, and %d panics were logged", events, calls.Load(), logged)
		}
	})
	root, stop := live(t, "broken", tree.Spec{
		Intensity: strategies.Intensity{Max: 99},
		Logger:    hclog.New(&hclog.LoggerOptions{Output: &log, Mutex: &mu, Level: hclog.Error}),
		Sink: func(tree.Event) {
			calls.Add(1)
			panic("the sink is broken")
		},
		Children: []tree.Child{process("a"), parent("b"), process("c")},
	})
	o := atOnce
	o.Stop = stop
	j := carryOut(t, chaos.Local(root), `method:
  - {every: 20ms..50ms, until: 500ms, fault: {kill: 3, restart: 1}, target: "broken/*"}
  - {at: 300ms, fault: hang(200ms), target: broken/c}
`, o)
	holds(t, j, 1, 2, 5, 6, 8, 9)
	if j.Status != chaos.Completed || j.Stats.Recovery.N < 5 || j.Stats.Recovery.Never > 0 {
		t.Errorf("%s: %+v", j.Status, j.Stats.Recovery)
	}
}
