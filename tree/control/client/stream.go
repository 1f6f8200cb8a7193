package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Events yields the events that q asks for, in order. One of kind
// tree.EventDropped says that some are not kept, or that the reader was too slow. A
// stream that is followed ends without an error when the tree does, and until then
// when ctx does; to leave the loop ends it, too. An error is the last thing that is
// yielded. Each range over what is returned is a request of its own.
func (c *Client) Events(ctx context.Context, q control.EventsQuery) iter.Seq2[tree.Event, error] {
	return stream[tree.Event](ctx, c, "/v1/events", q.Values())
}

// Logs yields the lines that q asks for, as Events does. A line with Dropped is
// none: so many were lost there, because the reader was too slow.
func (c *Client) Logs(ctx context.Context, q control.LogsQuery) iter.Seq2[record.Line, error] {
	return stream[record.Line](ctx, c, "/v1/logs", q.Values())
}

func stream[T any](ctx context.Context, c *Client, endpoint string, q url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		body, err := c.ask(ctx, http.MethodGet, endpoint, q, nil)
		if err != nil {
			yield(none, err)
			return
		}
		defer body.Close()
		for d := json.NewDecoder(body); ; { // blank lines are nothing to it
			var v T
			err := d.Decode(&v)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err == nil:
				if !yield(v, nil) {
					return
				}
				continue
			case ctx.Err() != nil:
				err = ctx.Err()
			default:
				err = fmt.Errorf("tree %s: the stream broke off: %w", c.name, err)
			}
			yield(none, err)
			return
		}
	}
}
