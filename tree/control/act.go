package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"syscall"

	"github.com/coppice-go/coppice/tree"
)

// The endpoints that ask for something to be done.

func (c *call) start() (any, error)   { return c.act(Start) }
func (c *call) stop() (any, error)    { return c.act(Stop) }
func (c *call) restart() (any, error) { return c.act(Restart) }
func (c *call) signal() (any, error)  { return c.act(Signal) }

func (c *call) act(do Action) (any, error) {
	plan := c.query.flag("plan")
	if err := c.query.end(); err != nil {
		return nil, err
	}
	req, err := parseRequest(c.body)
	if err != nil {
		return nil, err
	}
	var sig syscall.Signal
	switch {
	case do == Signal && req.Signal == "" && !plan:
		return nil, badRequest(`add "signal", a name or a number`, "which signal is not said")
	case do != Signal && req.Signal != "":
		return nil, badRequest("leave it out", `"signal" has no meaning for %v`, do)
	case req.Signal != "":
		if sig, err = ParseSignal(req.Signal); err != nil {
			return nil, err
		}
	}
	s := c.server
	if err := s.check(req.Path); err != nil {
		return nil, err
	}
	done, err := s.perform(do, plan, req.Path, sig)
	if errors.Is(err, tree.ErrNotFound) {
		return nil, s.noSuch(req.Path)
	}
	if err != nil {
		return nil, err
	}
	done.Path, done.Radius = req.Path, done.Radius.clean()
	return done, nil
}

// perform does it, or says what it would touch.
func (s *Server) perform(do Action, plan bool, path string, sig syscall.Signal) (Done, error) {
	if plan {
		r, err := s.actions.plan(do, path)
		return Done{Radius: r}, err
	}
	switch do {
	case Start:
		return s.actions.start(s.ctx, path)
	case Stop:
		return s.actions.stop(s.ctx, path)
	case Restart:
		return s.actions.restart(s.ctx, path)
	default:
		return s.actions.signal(path, sig)
	}
}

// parseRequest reads the body, which is one JSON object.
func parseRequest(body []byte) (req Request, err error) {
	const hint = `send {"path":"…"}`
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&req); err != nil {
		if errors.Is(err, io.EOF) {
			return req, badRequest(hint, "the request has no body")
		}
		return req, badRequest(hint, "the body is not as it should be: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return req, badRequest(hint, "something follows the JSON object in the body")
	}
	if req.Path == "" {
		return req, badRequest(hint, `"path" is missing in the body`)
	}
	return req, nil
}
