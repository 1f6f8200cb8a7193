package control

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/cmd/coppice/internal/record"
	"github.com/coppice-go/coppice/tree"
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

// Config is what a Server needs. Root and Book are required.
type Config struct {
	Name    string // of the tree, by which clients find it; that of Root if empty
	Dir     string // where the socket is to be; DefaultDir() if empty
	Root    *tree.Supervisor
	Book    *record.Book // which watches Root
	Actions Actions      // nil: nothing can be asked for
	Version string       // of coppice, for Info
	File    string       // that the tree was loaded from, for Info
	Chaos   bool         // whether faults may be injected, for Info
	Logger  hclog.Logger // of what goes wrong in here; nil: nobody is told
}

// Server answers at a socket. Its methods are safe for concurrent use.
type Server struct {
	root    *tree.Supervisor
	book    *record.Book
	actions Actions
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
// own, until Close. The error is a *RunningError if a tree of this name runs
// already; otherwise it says what is wrong with the name or the directory.
func Serve(cfg Config) (*Server, error) {
	name := cmp.Or(cfg.Name, cfg.Root.Path())
	c, err := newClaim(cfg.Dir, name)
	if err != nil {
		return nil, err
	}
	logger := cfg.Logger
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		root: cfg.Root, book: cfg.Book, actions: cfg.Actions,
		info:  Info{V: Version, Name: name, PID: os.Getpid(), Version: cfg.Version, Started: time.Now(), File: cfg.File, Chaos: cfg.Chaos},
		claim: c, ctx: ctx, cancel: cancel, served: make(chan struct{}),
	}
	s.close = sync.OnceValue(s.end)
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

// Close ends the server, and returns when its goroutines have ended and the
// socket is gone. Streams are ended in order, with all that has happened so far;
// what clients wait for otherwise is given up. The tree is not touched. It is to
// be called before the Book is closed.
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
