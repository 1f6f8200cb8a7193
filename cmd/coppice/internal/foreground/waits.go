package foreground

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// waits knows which children were told to stop and have not ended yet.
type waits struct {
	mu  sync.Mutex // guards all
	all map[string]wait
}

type wait struct {
	since time.Time
	limit time.Duration // then it is killed; 0: never
	pid   int
}

func (w *waits) event(e tree.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e.Kind {
	case tree.EventStopping:
		if w.all == nil {
			w.all = make(map[string]wait)
		}
		if !e.Supervisor {
			w.all[e.Path] = wait{e.Time, e.After, e.PID}
		}
	case tree.EventExited, tree.EventStartError, tree.EventNotStarted, tree.EventCancelled, tree.EventIgnored:
		delete(w.all, e.Path)
	}
}

// list says whom is waited for, and until when at most; empty if nobody.
func (w *waits) list(now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	const most = 5
	var text []string
	for _, path := range slices.Sorted(maps.Keys(w.all)) {
		if len(text) == most {
			text = append(text, fmt.Sprintf("%d more", len(w.all)-most))
			break
		}
		c := w.all[path]
		s := fmt.Sprintf("%s (told to stop %v ago", path, now.Sub(c.since).Round(time.Second))
		if c.limit > 0 {
			s += fmt.Sprintf(", killed in %v", max(0, c.limit-now.Sub(c.since)).Round(time.Second))
		}
		text = append(text, s+")")
	}
	return strings.Join(text, ", ")
}

// patience is how long a stop may take before it is said what it waits for, each
// time.
const patience = 2 * time.Second

// stopping waits for the tree to be stopped, says that it is, and now and then what that waits for.
func (r *runner) stopping() {
	select {
	case <-r.stops.Order.Done():
	case <-r.ended:
		return
	}
	r.log.Info(fmt.Sprintf("%s: stopping in order; once more to kill everything at once", r.root.Path()))
	r.systemd.stopping("stopping")
	tick := time.NewTicker(patience)
	defer tick.Stop()
	for {
		select {
		case <-r.ended:
			return
		case <-r.stops.Now.Done():
			return
		case now := <-tick.C:
			if list := r.waits.list(now); list != "" {
				r.log.Info("waiting for " + list)
			}
		}
	}
}
