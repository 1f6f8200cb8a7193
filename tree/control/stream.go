package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/coppice-go/coppice/tree/control/record"
)

// stream writes documents as they come, one a line. A client that does not read
// holds up nobody but itself.
type stream struct {
	*call
	enc *json.Encoder
}

// stream begins one. It is to be ended.
func (c *call) stream() (s *stream, end func(), err error) {
	if err := c.ctl.SetWriteDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	c.w.Header().Set("Content-Type", "application/jsonl")
	c.w.WriteHeader(http.StatusOK)
	s = &stream{c, json.NewEncoder(c.w)}
	s.enc.SetEscapeHTML(false)
	stop := context.AfterFunc(c.server.ctx, func() { _ = c.ctl.SetWriteDeadline(time.Now().Add(lastWords)) })
	return s, func() { stop() }, nil
}

// over is a context that has ended: a reader then returns what is there.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// drain writes what is there already. It reports whether more may come.
func drain[T any](s *stream, next func(context.Context) (T, error)) bool {
	for {
		doc, err := next(over)
		if err != nil {
			return !errors.Is(err, record.ErrClosed)
		}
		if s.enc.Encode(doc) != nil {
			return false // nobody reads
		}
	}
}

// follow writes what there is and what comes, and a blank line now and then to
// show that the stream lives. At the end of the server it goes on until all is
// written that has happened before.
func follow[T any](s *stream, next func(context.Context) (T, error)) {
	for {
		last := s.ctx.Err() != nil // looked at first: what happened before it ended is there
		if !drain(s, next) || s.ctl.Flush() != nil || last {
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, heartbeat)
		doc, err := next(ctx)
		cancel()
		switch {
		case err == nil:
			err = s.enc.Encode(doc)
		case errors.Is(err, context.DeadlineExceeded):
			_, err = s.w.Write([]byte("\n"))
		case errors.Is(err, context.Canceled):
			err = nil // what is there still is written
		}
		if err != nil {
			return
		}
	}
}
