package control

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sink is the other end of a stream.
type sink struct {
	mu      sync.Mutex // guards what follows
	written []byte
	flushed int
}

func (s *sink) Header() http.Header              { return http.Header{} }
func (s *sink) WriteHeader(int)                  {}
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = append(s.written, b...)
	return len(b), nil
}

func (s *sink) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed = len(s.written)
}

// sent is what is on its way to the client.
func (s *sink) sent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.written[:s.flushed])
}

// TestHeartbeat: a stream in which nothing happens has a blank line every 15 s,
// and ends with its context.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(sink)
		ctx, cancel := context.WithCancel(t.Context())
		c := &call{w: w, ctl: http.NewResponseController(w), ctx: ctx, server: &Server{ctx: context.Background()}}
		s, end, err := c.stream()
		if err != nil {
			t.Fatal(err)
		}
		defer end()
		docs := make(chan int, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			follow(s, func(ctx context.Context) (int, error) {
				select {
				case n := <-docs:
					return n, nil
				default:
				}
				select {
				case n := <-docs:
					return n, nil
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			})
		}()
		want := func(text string) {
			t.Helper()
			synctest.Wait()
			if got := w.sent(); got != text {
				t.Errorf("sent %q, want %q", got, text)
			}
		}
		time.Sleep(15*time.Second - time.Nanosecond) // of the bubble
		want("")
		time.Sleep(time.Nanosecond)
		want("\n")
		time.Sleep(10 * time.Second)
		docs <- 1
		want("\n1\n")
		time.Sleep(15*time.Second - time.Nanosecond)
		want("\n1\n")
		time.Sleep(time.Nanosecond)
		want("\n1\n\n")
		cancel()
		<-ended
	})
}
