// Package client is the other end of the control socket of a running tree: it
// finds the tree by its name, or as the only one that runs, and asks it. The tree
// may be one of `coppice run`, or of any program that has called
// [control.Serve].
//
//	c, err := client.Dial(ctx, "", "shop")
//	if err != nil { … } // errors.Is(err, client.ErrNoTree): it does not run
//	defer c.Close()
//	done, err := c.Restart(ctx, "shop/web")
//
// What the tree refuses is a *[control.Error] with a Code. The end of ctx is ctx's
// error, wrapped or not. Everything else tells of the way there: it names the tree,
// and is ErrNoTree if that has gone.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/internal/place"
	"github.com/coppice-go/coppice/tree/control/record"
)

// Client asks one tree. It is made by [Dial], and safe for concurrent use. It has
// as many connections as requests and streams that are under way.
type Client struct {
	name string
	http http.Client
}

// answerMax bounds an answer that says what is wrong.
const answerMax = 64 << 10

// Dial finds the running tree of this name; with an empty name, the only one that
// runs. dir is where sockets are; if empty, where they are if nobody says
// otherwise, see [control.Config]. ctx bounds Dial alone. The error is ErrNoTree if
// the tree does not run, and says which do; a *SeveralError if a name is needed. It
// wraps errors.ErrUnsupported where there are no control sockets.
func Dial(ctx context.Context, dir, name string) (*Client, error) {
	if name == "" {
		var err error
		if name, err = only(ctx, dir); err != nil {
			return nil, err
		}
	}
	path, err := place.Socket(dir, name)
	if err != nil {
		return nil, err
	}
	conn, err := place.Connect(ctx, path)
	if place.Gone(err) {
		return nil, notRunning(ctx, dir, name)
	}
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", name, err)
	}
	conn.Close() // the server would, too, if nothing is asked for some seconds
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return place.Connect(ctx, path) }
	return &Client{name: name, http: http.Client{
		Transport:     &http.Transport{DialContext: dial, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Name is that of the tree.
func (c *Client) Name() string { return c.name }

// Close closes the connections that are not in use. What is under way goes on.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Info says which tree it is.
func (c *Client) Info(ctx context.Context) (control.Info, error) {
	return get[control.Info](ctx, c, "/v1/info", nil)
}

// Snapshot returns the state of the tree.
func (c *Client) Snapshot(ctx context.Context) (tree.Snapshot, error) {
	return get[tree.Snapshot](ctx, c, "/v1/snapshot", nil)
}

// Why tells how the child at path ended the last times, and what followed.
func (c *Client) Why(ctx context.Context, path string) (record.Why, error) {
	return get[record.Why](ctx, c, "/v1/why", url.Values{"path": {path}})
}

// Wait waits until a child is in a state, and returns what it is then; nil if it
// is gone, which is one way to be stopped. After q.Timeout the error is a
// *[control.Error] with Code control.Timeout and the State that it is in.
func (c *Client) Wait(ctx context.Context, q control.WaitQuery) (*tree.Status, error) {
	a, err := get[struct {
		Status *tree.Status `json:"status"`
	}](ctx, c, "/v1/wait", q.Values())
	return a.Status, err
}

// Start starts the child at path, which does not run, and returns when it is up.
// Here as in Stop, Restart and Signal, what was asked for is done also if ctx ends
// meanwhile.
func (c *Client) Start(ctx context.Context, path string) (control.Done, error) {
	return c.act(ctx, control.Start, path, "", nil)
}

// Stop stops the child at path until it is started, and returns when it has ended.
// Of the root, the stop has begun then.
func (c *Client) Stop(ctx context.Context, path string) (control.Done, error) {
	return c.act(ctx, control.Stop, path, "", nil)
}

// Restart stops the child at path and starts it, with whatever shares its fate, and
// returns when it is up. It does not count as a restart of its supervisor's.
func (c *Client) Restart(ctx context.Context, path string) (control.Done, error) {
	return c.act(ctx, control.Restart, path, "", nil)
}

// Signal sends the process of the child at path a signal: a name, with or without
// SIG, or a number.
func (c *Client) Signal(ctx context.Context, path, signal string) (control.Done, error) {
	return c.act(ctx, control.Signal, path, signal, nil)
}

// Plan says what an action would touch, and does nothing.
func (c *Client) Plan(ctx context.Context, do control.Action, path string) (control.Radius, error) {
	d, err := c.act(ctx, do, path, "", url.Values{"plan": {"1"}})
	return d.Radius, err
}

// Reload lets the tree's description be read again and what is new in it hold, and
// returns when that is done; also if ctx ends meanwhile, it is. An error of Code
// control.BadFile says that the description is wrong; nothing was changed then.
func (c *Client) Reload(ctx context.Context) (control.Reload, error) {
	return c.reload(ctx, nil)
}

// PlanReload says what Reload would do now, and does nothing.
func (c *Client) PlanReload(ctx context.Context) (control.Reload, error) {
	return c.reload(ctx, url.Values{"plan": {"1"}})
}

func (c *Client) reload(ctx context.Context, q url.Values) (r control.Reload, err error) {
	body, err := c.ask(ctx, http.MethodPost, "/v1/reload", q, nil)
	if err != nil {
		return r, err
	}
	return r, c.read(body, &r)
}

func (c *Client) act(ctx context.Context, do control.Action, path, signal string, q url.Values) (d control.Done, err error) {
	b, err := json.Marshal(control.Request{Path: path, Signal: signal})
	if err != nil {
		return d, err
	}
	body, err := c.ask(ctx, http.MethodPost, "/v1/"+do.String(), q, bytes.NewReader(b))
	if err != nil {
		return d, err
	}
	return d, c.read(body, &d)
}

func get[T any](ctx context.Context, c *Client, endpoint string, q url.Values) (v T, err error) {
	body, err := c.ask(ctx, http.MethodGet, endpoint, q, nil)
	if err != nil {
		return v, err
	}
	return v, c.read(body, &v)
}

func (c *Client) read(body io.ReadCloser, v any) error {
	defer body.Close()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		return fmt.Errorf("tree %s: its answer cannot be read: %w", c.name, err)
	}
	_, err := io.Copy(io.Discard, body) // so that the connection can be used again
	return err
}

// ask sends a request and returns the body of the answer, which is to be closed.
func (c *Client) ask(ctx context.Context, method, endpoint string, q url.Values, body io.Reader) (io.ReadCloser, error) {
	u := url.URL{Scheme: "http", Host: "coppice", Path: endpoint, RawQuery: q.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if v := resp.Header.Get(control.VersionHeader); v != strconv.Itoa(control.Version) {
		resp.Body.Close()
		return nil, fmt.Errorf("tree %s: it speaks version %q of the control protocol, this program version %d: use the coppice that runs it", c.name, v, control.Version)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	return nil, c.refused(resp)
}

// refused is the error that the server answered with.
func (c *Client) refused(resp *http.Response) error {
	var a struct{ Error *control.Error }
	err := json.NewDecoder(io.LimitReader(resp.Body, answerMax)).Decode(&a)
	if err != nil || a.Error == nil {
		return fmt.Errorf("tree %s: it answered %s, and not why", c.name, resp.Status)
	}
	return a.Error
}

// lost is the error of a connection that failed.
func (c *Client) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if place.Gone(err) {
		return &NotRunningError{Name: c.name}
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok { // of no use: nobody wrote that URL
		err = wrapped.Err
	}
	return fmt.Errorf("tree %s: %w", c.name, err)
}
