package control

import (
	"fmt"
	"time"

	"github.com/coppice-go/coppice/tree/control/record"
	"github.com/coppice-go/coppice/tree/internal/nearest"
)

// The endpoints that tell what is known.

func (c *call) info() (any, error) {
	if err := c.query.end(); err != nil {
		return nil, err
	}
	i := c.server.info
	i.Rev, i.Chaos = c.server.book.Rev(), c.server.chaos.Load()
	return i, nil
}

func (c *call) snapshot() (any, error) {
	if err := c.query.end(); err != nil {
		return nil, err
	}
	return c.server.root.Snapshot(), nil
}

func (c *call) why() (any, error) {
	path := c.query.required("path")
	if err := c.query.end(); err != nil {
		return nil, err
	}
	w, known, err := c.server.book.Why(c.ctx, path)
	if err == nil && !known {
		err = c.server.noSuch(path)
	}
	return w, err
}

func (c *call) events() (any, error) {
	q := parseEvents(c.query)
	if err := c.query.end(); err != nil {
		return nil, err
	}
	book := c.server.book
	if err := book.Sync(c.ctx); err != nil {
		return nil, err
	}
	latest := book.Rev()
	from := q.Since.seq
	if q.Since.time {
		from = book.Since(time.Now().Add(-q.Since.ago))
	}
	if from > latest {
		return nil, &Error{
			Code: Conflict, Message: fmt.Sprintf("the latest event is %d, there was none with seq %d", latest, from),
			Hint: "it may be of an earlier run: begin anew with a snapshot, or with since=0",
		}
	}
	s, end, err := c.stream()
	if err != nil {
		return nil, err
	}
	defer end()
	r := book.Events(from)
	if q.Follow {
		follow(s, r.Next)
		return nil, nil
	}
	for r.Seq() < latest {
		e, err := r.Next(over)
		if err != nil || s.enc.Encode(e) != nil {
			break
		}
	}
	return nil, nil
}

func (c *call) logs() (any, error) {
	q := parseLogs(c.query)
	if err := c.query.end(); err != nil {
		return nil, err
	}
	lines, f, err := c.lines(q)
	if err != nil {
		return nil, err
	}
	if f != nil {
		defer f.Close()
	}
	s, end, err := c.stream()
	if err != nil {
		return nil, err
	}
	defer end()
	for _, l := range lines {
		if s.enc.Encode(l) != nil {
			return nil, nil
		}
	}
	if f != nil {
		follow(s, f.Next)
	}
	return nil, nil
}

// lines returns what is kept, and the stream of what comes if that is wanted.
// Of a child that is no more there may be output still.
func (c *call) lines(q LogsQuery) (kept []record.Line, f *record.Follower, err error) {
	book := c.server.book
	if err := book.Sync(c.ctx); err != nil { // so that it is clear which incarnation is the latest
		return nil, nil, err
	}
	switch {
	case q.Follow:
		kept, f = book.Follow(q.Path, q.Tail)
	case q.Previous:
		kept = book.PreviousLines(q.Path, q.Tail)
	default:
		kept = book.Lines(q.Path, q.Tail)
	}
	if len(kept) == 0 {
		err = c.server.check(q.Path)
	}
	if err != nil && f != nil {
		f.Close()
	}
	return kept, f, err
}

// check reports that there is no such child.
func (s *Server) check(path string) error {
	if _, ok := s.root.Find(path); ok {
		return nil
	}
	return s.noSuch(path)
}

// noSuch is the error about a path that is not there, and names one that is.
func (s *Server) noSuch(path string) *Error {
	e := &Error{Code: NotFound, Message: fmt.Sprintf("there is no child %q", path)}
	paths := func(yield func(string) bool) {
		for st := range s.root.Walk() {
			if !yield(st.Path) {
				return
			}
		}
	}
	if near := nearest.Path(path, paths); near != "" {
		e.Hint = fmt.Sprintf("did you mean %s?", near)
	}
	return e
}
