package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is one request, read, and the way to answer it.
type call struct {
	w      http.ResponseWriter
	ctl    *http.ResponseController
	ctx    context.Context // ends when the client is gone, or the server begins to close
	query  *values
	body   []byte
	server *Server
}

// route is one endpoint. What do returns is the answer; nil if it has answered.
type route struct {
	method string
	do     func(*call) (any, error)
}

var routes = map[string]route{
	"/v1/info":     {http.MethodGet, (*call).info},
	"/v1/snapshot": {http.MethodGet, (*call).snapshot},
	"/v1/events":   {http.MethodGet, (*call).events},
	"/v1/logs":     {http.MethodGet, (*call).logs},
	"/v1/why":      {http.MethodGet, (*call).why},
	"/v1/wait":     {http.MethodGet, (*call).wait},
	"/v1/start":    {http.MethodPost, (*call).start},
	"/v1/stop":     {http.MethodPost, (*call).stop},
	"/v1/restart":  {http.MethodPost, (*call).restart},
	"/v1/signal":   {http.MethodPost, (*call).signal},
	"/v1/reload":   {http.MethodPost, (*call).reload},
}

// endpoints is what there is, for those who ask for something else.
var endpoints = strings.Join(slices.Sorted(maps.Keys(routes)), ", ")

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, ctl: http.NewResponseController(w), server: s}
	w.Header().Set(VersionHeader, strconv.Itoa(Version))
	if err := admit(r); err != nil {
		w.Header().Set("Connection", "close")
		c.refuse(err)
		return
	}
	if !s.enter() {
		c.refuse(&Error{Code: Busy, Message: "the tree is about to end"})
		return
	}
	defer s.leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	c.ctx = ctx
	answer, err := c.dispatch(r)
	switch {
	case err != nil:
		c.refuse(err)
	case answer != nil:
		c.answer(http.StatusOK, answer)
	}
}

// admit refuses other users, and connections beyond those that are served.
func admit(r *http.Request) error {
	c, ok := r.Context().Value(connKey{}).(*conn)
	switch {
	case !ok:
		return &Error{Code: Forbidden, Message: "it is not known who you are"}
	case c.err != nil:
		return &Error{Code: Forbidden, Message: fmt.Sprintf("it is not known who you are: %v", c.err)}
	case c.uid != os.Geteuid() && c.uid != 0:
		return &Error{Code: Forbidden, Message: fmt.Sprintf("this tree belongs to uid %d, you are uid %d", os.Geteuid(), c.uid), Hint: "ask as that user, or as root"}
	case c.tooMany:
		return &Error{Code: Busy, Message: fmt.Sprintf("there are %d connections already", maxConns), Hint: "end one that follows events or logs, or try again"}
	}
	return nil
}

func (c *call) dispatch(r *http.Request) (any, error) {
	to, ok := routes[r.URL.Path]
	if !ok {
		return nil, &Error{
			Code: UnknownEndpoint, Message: fmt.Sprintf("there is no %s in version %d of the control protocol", r.URL.Path, Version),
			Hint: "there are " + endpoints,
		}
	}
	if r.Method != to.method {
		c.w.Header().Set("Allow", to.method)
		return nil, &Error{Code: WrongMethod, Message: fmt.Sprintf("%s of %s is not possible", r.Method, r.URL.Path), Hint: "use " + to.method}
	}
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(c.w, r.Body, maxBody)); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, &Error{Code: TooLarge, Message: fmt.Sprintf("a request has at most %d bytes", maxBody)}
		}
		return nil, badRequest("", "the request was not read: %v", err)
	}
	c.query = parseValues(r.URL.RawQuery)
	return to.do(c)
}

func (c *call) refuse(err error) {
	e := asError(err)
	c.answer(e.status(), errorAnswer{e})
}

// answer writes one document.
func (c *call) answer(status int, doc any) {
	b, err := json.Marshal(doc)
	if err != nil {
		status = http.StatusInternalServerError
		b, _ = json.Marshal(errorAnswer{&Error{Code: Failed, Message: err.Error()}})
	}
	_ = c.ctl.SetWriteDeadline(time.Now().Add(answerLimit))
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(b, '\n')) // a client that is gone needs no answer
}
