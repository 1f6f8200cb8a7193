package output

import (
	"bytes"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
)

// watches are the regular expressions that wait for their line. While there is
// none, looking for them costs the load of one flag per read.
type watches struct {
	some atomic.Bool
	mu   sync.Mutex
	all  []watch
}

type watch struct {
	re      *regexp.Regexp
	matched chan struct{} // closed by see
}

func (w *watches) add(re *regexp.Regexp) <-chan struct{} {
	matched := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, watch{re, matched})
	w.some.Store(true)
	return matched
}

func (w *watches) see(block []byte) {
	if !w.some.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range bytes.Lines(block) {
		line = line[:len(line)-1]
		w.all = slices.DeleteFunc(w.all, func(w watch) bool {
			found := w.re.Match(line)
			if found {
				close(w.matched)
			}
			return found
		})
	}
	if len(w.all) == 0 {
		w.all = nil
		w.some.Store(false)
	}
}
