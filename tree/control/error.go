package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/coppice-go/coppice/tree"
)

// Code says what kind of error it is. Codes may be added.
type Code string

// The codes of version 1.
const (
	BadRequest      Code = "bad_request"        // what was asked makes no sense
	Forbidden       Code = "forbidden"          // the peer is another user
	NotFound        Code = "not_found"          // there is no such child
	UnknownEndpoint Code = "unknown_endpoint"   // this version has nothing there
	WrongMethod     Code = "method_not_allowed" // GET where POST is due, or the reverse
	Timeout         Code = "timeout"            // it was not so in the time given
	BadFile         Code = "bad_file"           // what describes the tree is wrong; nothing was changed
	Conflict        Code = "conflict"           // the state of the tree does not allow it
	TooLarge        Code = "too_large"          // the body of the request
	Failed          Code = "failed"             // it was tried and did not succeed
	Unsupported     Code = "unsupported"        // not on this system, or not for this child
	Busy            Code = "busy"               // too many connections, or about to end
)

var statuses = map[Code]int{
	BadRequest:      http.StatusBadRequest,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	UnknownEndpoint: http.StatusNotFound,
	WrongMethod:     http.StatusMethodNotAllowed,
	Timeout:         http.StatusRequestTimeout,
	BadFile:         http.StatusUnprocessableEntity,
	Conflict:        http.StatusConflict,
	TooLarge:        http.StatusRequestEntityTooLarge,
	Failed:          http.StatusInternalServerError,
	Unsupported:     http.StatusNotImplemented,
	Busy:            http.StatusServiceUnavailable,
}

// Error is an answer that says why there is no other. A client returns it as a
// *Error.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`  // what to do about it
	State   string `json:"state,omitempty"` // of timeout: the present state of the child
}

// Error is the message, with the hint if there is one.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

func (e *Error) status() int {
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

type errorAnswer struct {
	Error *Error `json:"error"`
}

func badRequest(hint, format string, args ...any) *Error {
	return &Error{Code: BadRequest, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// kinds is what the errors of a tree are in terms of the protocol.
var kinds = []struct {
	err  error
	code Code
	hint string
}{
	{tree.ErrNotFound, NotFound, ""},
	{tree.ErrChildRunning, Conflict, "it runs already"},
	{tree.ErrAlreadyStarted, Conflict, "it runs already"},
	{tree.ErrAlreadyPresent, Conflict, ""},
	{tree.ErrRestarting, Conflict, "it is about to be started; wait for it"},
	{tree.ErrNotRunning, Conflict, "its supervisor must run first"},
	{tree.ErrCancelled, Conflict, "it was stopped meanwhile"},
	{tree.ErrDynamic, Unsupported, "children of a dynamic supervisor can be stopped only"},
	{errors.ErrUnsupported, Unsupported, ""},
	{context.DeadlineExceeded, Timeout, ""},
	{context.Canceled, Busy, "the tree is about to end"},
}

// asError says an error in terms of the protocol.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*tree.StartError](err); ok { // whatever kept it from starting
		return &Error{Code: Failed, Message: err.Error()}
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return &Error{Code: k.code, Message: err.Error(), Hint: k.hint}
		}
	}
	return &Error{Code: Failed, Message: err.Error()}
}
