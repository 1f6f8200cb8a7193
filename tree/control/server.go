package control

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/control/record"
)

const (
	headerLimit = 5 * time.Second  // for the header of a request
	bodyLimit   = 10 * time.Second // for all of it
	answerLimit = 30 * time.Second // for a client to take an answer that is no stream
	idleLimit   = time.Minute      // between two requests
	lastWords   = time.Second      // for a client to take the end of a stream when the server ends
	closeLimit  = 2 * time.Second  // for all answers under way then

	maxHeader = 16 << 10
	maxBody   = 64 << 10
	heartbeat = 15 * time.Second
)

// Config says which tree is served, and how. Only Root is required.
type Config struct {
	// Name is the tree's, by which clients find it; that of Root if empty. It
	// is part of the name of the socket.
	Name string

	// Dir is where the socket is to be. It is made if it is not there, must
	// belong to the user, and be closed to others. If empty it is coppice in
	// $XDG_RUNTIME_DIR, or coppice-UID in the directory for temporary files.
	Dir string

	// Root is the tree. It need not be served yet.
	Root *tree.Supervisor

	// Book is what answers about the past are taken from. It watches Root. Nil:
	// one of the Server's own, which begins with Serve, has the default limits,
	// and no output of processes.
	Book *record.Book

	// Stop begins the stop of the whole tree, for whoever stops its root, and
	// does not wait for it, as a context's cancel. It may be called more than
	// once. Nil: the root cannot be stopped through the socket.
	Stop func()

	// Reload reads the tree's description again and lets it hold, or with plan
	// tells only what that would mean. ctx ends when the Server is closed. Its
	// error may be an *[Error], of Code BadFile for instance. It may be called by
	// several clients at a time. Nil: there is none.
	Reload func(ctx context.Context, plan bool) (Reload, error)

	Version string       // of the program, for Info
	File    string       // that the tree was loaded from, for Info; empty: none
	Chaos   bool         // whoever may steer the tree may also inject faults, for Info
	Logger  hclog.Logger // of what goes wrong in here; nil: nobody is told
}

// Server answers at a socket. It is made by [Serve]. Its methods are safe for
// concurrent use.
type Server struct {
	root    *tree.Supervisor
	book    *record.Book
	actions actions
	again   func(ctx context.Context, plan bool) (Reload, error) // nil: not possible
	chaos   atomic.Bool
	info    Info

	claim  *claim
	http   *http.Server
	ctx    context.Context // ends when the server begins to close
	cancel context.CancelFunc
	served chan struct{} // closed when no connection is accepted any more
	close  func() error  // once

	mu      sync.Mutex // guards what follows
	closing bool
	answers sync.WaitGroup // those under way; not added to when closing
}

// Serve takes the name, makes the socket and answers at it, in goroutines of its
// own, until Close. It does not start the tree. The error is a *[RunningError] if
// a tree of this name runs already; it wraps errors.ErrUnsupported where the
// system does not tell who is at the other end of a socket, which is everywhere
// but on Linux; otherwise it says what is wrong with the name or the directory.
func Serve(cfg Config) (*Server, error) {
	if cfg.Root == nil {
		return nil, errors.New("control socket: there is no tree to serve: Root is nil")
	}
	name := cmp.Or(cfg.Name, cfg.Root.Path())
	c, err := newClaim(cfg.Dir, name)
	if err != nil {
		return nil, err
	}
	logger := cfg.Logger
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	book, closeBook := cfg.Book, func() {}
	if book == nil {
		book = record.New(record.Limits{})
		book.Watch(cfg.Root)
		closeBook = book.Close
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		root: cfg.Root, book: book, actions: actions{cfg.Root, cfg.Stop, cfg.File}, again: cfg.Reload,
		info:  Info{V: Version, Name: name, PID: os.Getpid(), Version: cfg.Version, Started: time.Now(), File: cfg.File},
		claim: c, ctx: ctx, cancel: cancel, served: make(chan struct{}),
	}
	s.chaos.Store(cfg.Chaos)
	s.close = sync.OnceValue(func() error {
		defer closeBook()
		return s.end()
	})
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: headerLimit,
		ReadTimeout:       bodyLimit,
		IdleTimeout:       idleLimit,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
	}
	go func() {
		defer close(s.served)
		err := s.http.Serve(newListener(c.listener))
		if !errors.Is(err, http.ErrServerClosed) {
			logger.Error("the control socket does not answer any more", "socket", c.path, "error", err)
		}
	}()
	return s, nil
}

// Socket is the path of the socket.
func (s *Server) Socket() string { return s.claim.path }

// AllowChaos says whether whoever may steer the tree may also inject faults, from
// now on; for Info.
func (s *Server) AllowChaos(allowed bool) { s.chaos.Store(allowed) }

// Close ends the server, and returns when its goroutines have ended and the
// socket is gone, after a few seconds at most. Streams are ended in order, with
// all that has happened so far; what clients wait for otherwise is given up. The
// tree is not touched: to have clients see its end, Close after its Serve has
// returned, and before a Book of yours is closed. The error says what of the
// socket could not be removed. Close may be called again, and then does nothing.
func (s *Server) Close() error { return s.close() }

func (s *Server) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_ = s.book.Sync(ctx) // the last events are the ones that readers wait for
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.cancel()
	_ = s.http.Shutdown(ctx) // whoever takes longer is cut off
	_ = s.http.Close()
	s.answers.Wait()
	<-s.served
	return s.claim.release()
}

// enter reports whether an answer may begin; leave ends it.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.answers.Add(1)
	return true
}

func (s *Server) leave() { s.answers.Done() }

// connKey is the key of the *conn in the context of a request.
type connKey struct{}
