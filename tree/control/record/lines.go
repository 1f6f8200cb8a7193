package record

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// What may be asked for in place of a number of lines.
const (
	All  = 0  // all that are kept
	None = -1 // none of them: only what comes is wanted
)

// lines is the output of all children.
type lines struct {
	limits Limits
	lives  func(path string) bool // whether there is such a child; called without a lock
	seq    atomic.Uint64          // the latest line's

	mu        sync.RWMutex // guards what follows; taken before an output's
	outputs   map[string]*output
	followers map[*Follower]struct{}
	gone      ring[string] // children that are no more and have output here, the first to be forgotten first
}

// output is that of one child.
type output struct {
	mu        sync.Mutex // guards what follows
	latest    spool
	previous  spool // of the incarnation before the latest
	followers []*Follower
}

// spool holds the last lines of one incarnation.
type spool struct {
	incarnation uint64
	bytes       int
	ring[Line]
}

func newLines(l Limits, lives func(string) bool) *lines {
	return &lines{limits: l, lives: lives, outputs: make(map[string]*output), followers: make(map[*Follower]struct{})}
}

// add takes a line. It waits for nobody but those who add a line of the same
// child, or copy its lines, at most a thousand of them.
func (s *lines) add(l Line) {
	l.Text = cut(l.Text, s.limits.Bytes)
	s.mu.RLock()
	o := s.outputs[l.Path]
	s.mu.RUnlock()
	if o == nil {
		o = s.open(l.Path)
	}
	o.add(l, s)
}

// open returns the output of a child of which there is none yet.
func (s *lines) open(path string) *output {
	s.mu.Lock()
	o := s.outputs[path]
	if o != nil {
		s.mu.Unlock()
		return o
	}
	o = new(output)
	for f := range s.followers {
		if under(path, f.path) {
			o.followers = append(o.followers, f)
		}
	}
	s.outputs[path] = o
	s.mu.Unlock()
	// Asked after it is there to be found by removed: one of both sees that
	// the child is no more.
	if !s.lives(path) {
		s.bury(path)
	}
	return o
}

func (o *output) add(l Line, s *lines) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.turn(l.Incarnation)
	to := &o.latest
	switch l.Incarnation {
	case o.latest.incarnation:
	case o.previous.incarnation:
		to = &o.previous
	default:
		return // of one that is forgotten
	}
	l.seq = s.seq.Add(1)
	to.add(l, s.limits)
	for _, f := range o.followers {
		f.offer(l)
	}
}

// turn makes an incarnation the latest, unless there was a later one.
func (o *output) turn(incarnation uint64) {
	if incarnation > o.latest.incarnation {
		o.previous = o.latest
		o.latest = spool{incarnation: incarnation}
	}
}

func (p *spool) add(l Line, limits Limits) {
	p.bytes += len(l.Text)
	p.push(l)
	for p.len() > 1 && (p.len() > limits.Lines || p.bytes > limits.Bytes) {
		gone := p.pop()
		p.bytes -= len(gone.Text)
	}
}

// last returns a copy of the last n lines, in order; n may be All or None.
func (p *spool) last(n int) []Line {
	switch {
	case n < 0:
		n = 0
	case n == All, n > p.len():
		n = p.len()
	}
	var copied []Line
	for i := p.len() - n; i < p.len(); i++ {
		copied = append(copied, *p.at(i))
	}
	return copied
}

// started says that an incarnation begins: what there was is another's.
func (s *lines) started(path string, incarnation uint64) {
	if o := s.find(path); o != nil {
		o.mu.Lock()
		o.turn(incarnation)
		o.mu.Unlock()
	}
}

func (s *lines) find(path string) *output {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.outputs[path]
}

// removed says that a child, with all that is below it, is no more.
func (s *lines) removed(path string, supervisor bool) {
	var all []string
	s.mu.RLock()
	switch {
	case supervisor:
		for other := range s.outputs {
			if under(other, path) {
				all = append(all, other)
			}
		}
	case s.outputs[path] != nil:
		all = append(all, path)
	}
	s.mu.RUnlock()
	for _, p := range all {
		s.bury(p)
	}
}

// bury puts a child among those that are no more, and forgets the first of them
// if they are too many. One that has come again meanwhile is not forgotten.
func (s *lines) bury(path string) {
	s.mu.Lock()
	s.gone.push(path)
	var first string
	full := s.gone.len() > s.limits.Gone
	if full {
		first = s.gone.pop()
	}
	s.mu.Unlock()
	if !full || s.lives(first) {
		return
	}
	s.mu.Lock()
	delete(s.outputs, first)
	s.mu.Unlock()
}

// ofIncarnation returns the last n lines of one incarnation, if it is kept.
func (s *lines) ofIncarnation(path string, incarnation uint64, n int) []Line {
	o := s.find(path)
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range []*spool{&o.latest, &o.previous} {
		if p.incarnation == incarnation {
			return p.last(n)
		}
	}
	return nil
}

// read returns the last n lines of the child at path and of those below it.
// With a follower, that has what comes after them.
func (s *lines) read(path string, n int, which func(*output) *spool, f *Follower) []Line {
	var found []Line
	for _, o := range s.match(path, f) {
		o.mu.Lock()
		found = append(found, which(o).last(n)...)
		if f != nil {
			o.followers = append(o.followers, f)
		}
		o.mu.Unlock()
	}
	slices.SortFunc(found, func(a, b Line) int { return cmp.Compare(a.seq, b.seq) })
	if n > 0 && n < len(found) {
		found = found[len(found)-n:]
	}
	return found
}

// match returns the outputs at path and below. Those that are opened later
// have the follower from the beginning.
func (s *lines) match(path string, f *Follower) []*output {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f != nil {
		s.followers[f] = struct{}{}
	}
	var found []*output
	for p, o := range s.outputs {
		if under(p, path) {
			found = append(found, o)
		}
	}
	return found
}

// forget takes a follower off.
func (s *lines) forget(f *Follower) {
	s.mu.Lock()
	delete(s.followers, f)
	s.mu.Unlock()
	for _, o := range s.match(f.path, nil) {
		o.mu.Lock()
		o.followers = slices.DeleteFunc(o.followers, func(other *Follower) bool { return other == f })
		o.mu.Unlock()
	}
}

// close ends all followers.
func (s *lines) close() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for f := range s.followers {
		f.end()
	}
}
