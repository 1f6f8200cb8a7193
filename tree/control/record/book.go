package record

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/coppice-go/coppice/tree"
)

// Book is what is remembered of one tree. It is made by [New]. All methods are safe
// for concurrent use.
type Book struct {
	lines  *lines
	events *events
	deaths *deaths

	mu   sync.Mutex // guards what follows
	root *tree.Supervisor
	stop func()
}

// behind is how many events the Book may fall behind the tree before it loses
// some.
const behind = 1 << 16

// New makes an empty Book. It takes lines from then on, and events after Watch. A
// Book that watches a tree is to be closed.
func New(l Limits) *Book {
	l = l.withDefaults()
	b := &Book{events: &events{limit: l.Events}, deaths: newDeaths(l)}
	b.lines = newLines(l, b.lives)
	return b
}

// Watch begins to take the events of the tree, in a goroutine that Close ends.
// It is called once, before the root is served, so that nothing is missed. The Book
// never slows the tree: if it falls behind by more than 65,536 events, it has a
// tree.EventDropped in their place.
func (b *Book) Watch(root *tree.Supervisor) {
	sub := root.Subscribe(behind)
	b.events.begin(sub.Snapshot().Rev)
	ended := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.root = root
	b.stop = func() {
		sub.Close()
		<-ended
	}
	go func() {
		defer close(ended)
		for {
			e, err := sub.Next(context.Background())
			if err != nil {
				return // closed, and all was taken
			}
			b.event(e)
		}
	}()
}

func (b *Book) event(e tree.Event) {
	switch e.Kind {
	case tree.EventDropped:
		b.events.lost(e.N)
		return
	case tree.EventStarting:
		b.lines.started(e.Path, e.Incarnation)
	case tree.EventRemoved:
		b.lines.removed(e.Path, e.Supervisor)
	}
	b.deaths.event(&e)
	b.events.add(e)
}

// Close takes what the tree has told so far and ends the goroutine. Readers and
// followers get ErrClosed when they have read everything. What is remembered can
// be read still.
func (b *Book) Close() {
	b.mu.Lock()
	stop := b.stop
	b.stop = nil
	b.mu.Unlock()
	if stop != nil {
		stop()
	}
	b.events.close()
	b.lines.close()
}

// lives reports whether the tree has a child of that path. Without a tree
// nobody knows.
func (b *Book) lives(path string) bool {
	b.mu.Lock()
	root := b.root
	b.mu.Unlock()
	if root == nil {
		return true
	}
	_, ok := root.Find(path)
	return ok
}

// Line remembers a line of output, of the child at its Path, in its Incarnation:
// of those the latest is kept and the one before. It is meant for the goroutines
// that read the output: it never waits for a reader. The Text is kept, so it should
// not be a part of something large.
func (b *Book) Line(l Line) { b.lines.add(l) }

// Lines returns what is kept of the latest incarnation of the child at path, and
// of all children below it: the last n lines, oldest first; n may be [All] or
// [None].
func (b *Book) Lines(path string, n int) []Line {
	return b.lines.read(path, n, latest, nil)
}

// PreviousLines returns the same of the incarnations before the latest.
func (b *Book) PreviousLines(path string, n int) []Line {
	return b.lines.read(path, n, previous, nil)
}

// Follow is Lines, and a stream of what comes after them. Between the two nothing is
// missed, and nothing told twice.
func (b *Book) Follow(path string, n int) ([]Line, *Follower) {
	f := &Follower{path: path, limit: b.lines.limits.Behind, leave: b.lines.forget, wake: make(chan struct{}, 1)}
	return b.lines.read(path, n, latest, f), f
}

func latest(o *output) *spool   { return &o.latest }
func previous(o *output) *spool { return &o.previous }

// Events returns a reader of the events after Seq n. What is not kept of them
// is told by an EventDropped at the beginning.
func (b *Book) Events(n uint64) *Reader { return &Reader{events: b.events, seq: n} }

// Since returns the place from which to read the events at or after t. It is 0
// if that many are not kept.
func (b *Book) Since(t time.Time) uint64 { return b.events.before(t) }

// Rev is the Seq of the latest event that the Book has.
func (b *Book) Rev() uint64 { return b.events.latest() }

// Sync waits until the Book has all that the tree has told by now. The error is
// ctx's.
func (b *Book) Sync(ctx context.Context) error {
	b.mu.Lock()
	root := b.root
	b.mu.Unlock()
	if root == nil {
		return nil
	}
	return b.events.reach(ctx, root.Rev())
}

// parent returns the path of the supervisor of a child; empty for the root's.
func parent(path string) string {
	return path[:max(0, strings.LastIndexByte(path, '/'))]
}
