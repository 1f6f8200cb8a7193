package nodeipc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/netpoll"
)

// patience bounds every wait for something that ought to happen at once.
const patience = 20 * time.Second

// soon is a context that ends while nobody reads.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func inTime(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// pair is a channel, and a child that is this test.
func pair(t *testing.T) (*Channel, *os.File) {
	t.Helper()
	c, fd, err := New()
	if err != nil {
		t.Fatal(err)
	}
	child := os.NewFile(uintptr(fd), "child")
	t.Cleanup(func() {
		c.Close()
		child.Close()
	})
	return c, child
}

// awaitReadable waits until something is there for the child.
func awaitReadable(t *testing.T, child *os.File) {
	t.Helper()
	p := []unix.PollFd{{Fd: int32(child.Fd()), Events: unix.POLLIN}}
	_, err := netpoll.IgnoringEINTR(func() (int, error) { return unix.Poll(p, int(patience.Milliseconds())) })
	if err != nil || p[0].Revents&unix.POLLIN == 0 {
		t.Errorf("nothing came for the child: %v", err)
	}
}

func write(t *testing.T, child *os.File, s string) {
	t.Helper()
	if _, err := child.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

func wantMessage(t *testing.T, c *Channel, want string) {
	t.Helper()
	if m, err := c.Receive(inTime(t)); err != nil || string(m) != want {
		t.Fatalf("received %.100q, %v; want %.100q", m, err, want)
	}
}

func wantEnd(t *testing.T, c *Channel, want error) {
	t.Helper()
	if m, err := c.Receive(inTime(t)); !errors.Is(err, want) {
		t.Fatalf("received %.100q, %v; want the error %v", m, err, want)
	}
}

// fill sends until the socket is full and returns how many messages it took.
func fill(t *testing.T, c *Channel) (sent int) {
	t.Helper()
	for {
		err := c.Send(soon(t), sent)
		if err == nil {
			sent++
			continue
		}
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnfinished) {
			t.Fatalf("send to a full socket: error is %v, want the context's alone", err)
		}
		return sent
	}
}

func TestSendWithdrawsWhatWasNotBegun(t *testing.T) {
	c, child := pair(t)
	sent := fill(t, c)
	lines := bufio.NewReader(child)
	for i := range sent {
		if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintln(i) {
			t.Fatalf("child read %q, %v; want %d", line, err, i)
		}
	}
	if err := c.Send(inTime(t), "next"); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); err != nil || line != "\"next\"\n" {
		t.Fatalf("child read %q, %v; want the next message", line, err)
	}
}

func TestSendFinishesWhatWasBegun(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name   string
		before func(*testing.T, *Channel)
	}{
		{"and the next message follows", nil},
		{"and then disconnects", func(t *testing.T, c *Channel) {
			if err := c.Disconnect(); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, child := pair(t)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				awaitReadable(t, child)
				cancel()
			}()
			err := c.Send(ctx, long)
			if !errors.Is(err, ErrUnfinished) || !errors.Is(err, context.Canceled) {
				t.Fatalf("error is %v, want ErrUnfinished and the context's", err)
			}
			if err := c.Send(soon(t), "waits for its turn"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnfinished) {
				t.Fatalf("error is %v, want the context's alone", err)
			}
			if test.before != nil {
				test.before(t, c)
			}
			lines := bufio.NewReader(child)
			if line, err := lines.ReadString('\n'); err != nil || line != `"`+long+"\"\n" {
				t.Fatalf("child read %d bytes, %v; want the long message", len(line), err)
			}
			want := "\"next\"\n"
			if test.before == nil {
				if err := c.Send(inTime(t), "next"); err != nil {
					t.Fatal(err)
				}
			} else {
				want = ""
			}
			if line, err := lines.ReadString('\n'); line != want || (err != nil) != (want == "") {
				t.Fatalf("child read %q, %v; want %q", line, err, want)
			}
		})
	}
}

func TestSendFromManyGoroutines(t *testing.T) {
	c, child := pair(t)
	const senders, each = 20, 200
	padding := strings.Repeat("p", 500)
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				if err := c.Send(inTime(t), []any{s, i, padding}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	lines := bufio.NewReader(child)
	var next [senders]int
	for range senders * each {
		line, err := lines.ReadBytes('\n')
		var m [3]any
		if err == nil {
			err = json.Unmarshal(line, &m)
		}
		if err != nil {
			t.Fatalf("child read %.100q: %v", line, err)
		}
		s, i := int(m[0].(float64)), int(m[1].(float64))
		if i != next[s] {
			t.Fatalf("message %d of sender %d came, want %d", i, s, next[s])
		}
		next[s]++
	}
	sending.Wait()
}

func TestSendRefusesWithoutHarm(t *testing.T) {
	c, child := pair(t)
	if err := c.Send(inTime(t), nil); err == nil {
		t.Error("null was sent")
	}
	if err := c.Send(inTime(t), strings.Repeat("x", MaxMessage)); !errors.Is(err, ErrTooLong) {
		t.Errorf("error is %v, want ErrTooLong", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Send(cancelled, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want the context's", err)
	}
	if err := c.Send(inTime(t), 2); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(child).ReadString('\n'); line != "2\n" {
		t.Errorf("child read %q, %v", line, err)
	}
}

func TestSendEndsWithTheChild(t *testing.T) {
	c, child := pair(t)
	sent := make(chan error, 2)
	for range 2 { // one is begun, one waits for its turn
		go func() { sent <- c.Send(inTime(t), strings.Repeat("x", 1<<20)) }()
	}
	if _, err := io.ReadFull(child, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	child.Close()
	for range 2 {
		if err := <-sent; !errors.Is(err, ErrClosed) {
			t.Errorf("error is %v, want ErrClosed", err)
		}
	}
	wantEnd(t, c, io.EOF)
	if err := c.Send(inTime(t), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
	if err := c.Disconnect(); !errors.Is(err, ErrClosed) {
		t.Errorf("disconnect: error is %v, want ErrClosed", err)
	}
}

// When the kernel has no memory for the rest of a message (sendmsg(2), ENOBUFS),
// no other may follow.
func TestNothingFollowsAPart(t *testing.T) {
	c, child := pair(t)
	c.turn <- struct{}{}
	w := &writing{line: []byte("rest"), begun: true, err: unix.ENOBUFS}
	c.endTurn(w)
	if err := c.outcome(w, nil); !errors.Is(err, unix.ENOBUFS) {
		t.Errorf("error is %v, want ENOBUFS", err)
	}
	if err := c.Send(inTime(t), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
	if got, err := io.ReadAll(child); len(got) > 0 || err != nil {
		t.Errorf("child read %q, %v; want the end", got, err)
	}
}

func TestSendEndsWithClose(t *testing.T) {
	c, child := pair(t)
	sent := make(chan error, 1)
	go func() { sent <- c.Send(inTime(t), strings.Repeat("x", 1<<20)) }()
	if _, err := io.ReadFull(child, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-sent; !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
}

func TestDisconnectStillReceives(t *testing.T) {
	c, child := pair(t)
	if err := c.Send(inTime(t), 1); err != nil {
		t.Fatal(err)
	}
	if err := c.Disconnect(); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(inTime(t), 2); !errors.Is(err, ErrClosed) {
		t.Errorf("send: error is %v, want ErrClosed", err)
	}
	if got, err := io.ReadAll(child); string(got) != "1\n" || err != nil {
		t.Errorf("child read %q, %v; want the first message and the end", got, err)
	}
	write(t, child, "\"late\"\n")
	wantMessage(t, c, `"late"`)
	child.Close()
	wantEnd(t, c, io.EOF)
}

func TestCloseKeepsWhatArrived(t *testing.T) {
	c, child := pair(t)
	c.Observe(func(json.RawMessage) {})
	if _, err := c.Receive(soon(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	const n = 4 * maxQueued // the reader waits for room long before
	for half := range 2 {
		var lines strings.Builder
		for i := range n / 2 {
			fmt.Fprintln(&lines, half*n/2+i)
		}
		write(t, child, lines.String())
	}
	child.Close()
	c.Close()
	for i := range n {
		wantMessage(t, c, fmt.Sprint(i))
	}
	wantEnd(t, c, io.EOF)
	if err := c.Err(); err != nil || c.Dropped() != 0 {
		t.Errorf("error is %v, %d dropped", err, c.Dropped())
	}
}

func TestBackPressure(t *testing.T) {
	c, child := pair(t)
	var observed int // by the reader alone, which has ended when it is read
	c.Observe(func(json.RawMessage) { observed++ })
	if _, err := c.Receive(soon(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	queued := func() int {
		c.in.mu.Lock()
		defer c.in.mu.Unlock()
		return len(c.in.queue)
	}
	// A child that does not wait finds the socket full.
	fd := int(child.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	line := []byte(`"` + strings.Repeat("x", 1000) + "\"\n")
	written := 0
	for {
		n, err := unix.Write(fd, line)
		if err == unix.EAGAIN {
			if queued() == maxQueued { // and the reader waits, or will with what it reads next
				break
			}
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if written++; n < len(line) || written > 100_000 {
			t.Fatalf("the child is not made to wait: %d bytes of message %d are written", n, written)
		}
	}
	if n := queued(); n != maxQueued {
		t.Errorf("%d messages wait to be received, want %d", n, maxQueued)
	}
	child.Close()
	want := string(bytes.TrimSpace(line))
	for range written {
		wantMessage(t, c, want)
	}
	wantEnd(t, c, io.EOF)
	c.Close()
	if observed != written || c.Dropped() != 0 {
		t.Errorf("%d written, %d observed, %d dropped", written, observed, c.Dropped())
	}
}

func TestBrokenByTheChild(t *testing.T) {
	for _, test := range []struct {
		name   string
		stream string
		err    error
	}{
		{"too long", strings.Repeat("x", MaxMessage+1), ErrTooLong},
		{"not JSON", "Hello!\n", ErrNotJSON},
		{"advanced", "\x00\x00\x00\x09\xff\x0f\"\x05ready", ErrAdvanced},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, child := pair(t)
			write(t, child, "1\n")
			write(t, child, test.stream)
			wantMessage(t, c, "1")
			wantEnd(t, c, test.err)
			if err := c.Err(); !errors.Is(err, test.err) {
				t.Errorf("Err is %v, want %v", err, test.err)
			}
			if err := c.Send(inTime(t), 1); !errors.Is(err, ErrClosed) || !errors.Is(err, test.err) {
				t.Errorf("send: error is %v, want ErrClosed and its cause", err)
			}
			// The child is not left to wait.
			if got, err := io.ReadAll(child); len(got) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("child read %q, %v; want the end", got, err)
			}
		})
	}
}

func TestEndInTheMidstOfAMessage(t *testing.T) {
	c, child := pair(t)
	write(t, child, "1\n{\"a\":")
	child.Close()
	wantMessage(t, c, "1")
	wantEnd(t, c, io.ErrUnexpectedEOF)
}

// What the kernel brings along with a handle is closed.
func TestHandleIsNotTaken(t *testing.T) {
	c, child := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	line := []byte(`{"cmd":"NODE_HANDLE","type":"net.Native","msg":"take it"}` + "\n\"after\"\n")
	if err := unix.Sendmsg(int(child.Fd()), line, unix.UnixRights(int(w.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	w.Close()
	wantMessage(t, c, `"after"`)
	if got, err := bufio.NewReader(child).ReadString('\n'); got != string(handleNack)+"\n" {
		t.Errorf("child read %q, %v; want the NACK", got, err)
	}
	if got, err := io.ReadAll(r); len(got) > 0 || err != nil { // the end: nobody holds w
		t.Errorf("read %q, %v from the pipe", got, err)
	}
}

// A child that sends handles and does not read stops nothing.
func TestHandlesOfOneThatDoesNotRead(t *testing.T) {
	c, child := pair(t)
	sent := fill(t, c)
	for range 1000 {
		write(t, child, `{"cmd":"NODE_HANDLE"}`+"\n")
	}
	write(t, child, "\"after\"\n")
	wantMessage(t, c, `"after"`)
	lines := bufio.NewReader(child)
	for i := range sent + 1000 {
		want := string(handleNack) + "\n"
		if i < sent {
			want = fmt.Sprintln(i)
		}
		if line, err := lines.ReadString('\n'); err != nil || line != want {
			t.Fatalf("child read %q, %v; want %q", line, err, want)
		}
	}
}

func TestInternalMessagesAreIgnored(t *testing.T) {
	c, child := pair(t)
	write(t, child, `{"cmd":"NODE_CLUSTER","act":"online"}`+"\n"+`{"cmd":"NODE_"}`+"\n")
	wantMessage(t, c, `{"cmd":"NODE_"}`)
}

func TestCloseAtOnce(t *testing.T) {
	c, fd, err := New()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	c.Close()
	unix.Close(fd)
	wantEnd(t, c, io.EOF)
	if err := c.Send(inTime(t), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
}

// Everything at once; the race detector and goleak look on.
func TestEverythingAtOnce(t *testing.T) {
	for range 20 {
		c, child := pair(t)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for err := error(nil); !errors.Is(err, ErrClosed); {
					err = c.Send(soon(t), strings.Repeat("x", 1<<(8+2*i)))
				}
			})
			all.Go(func() {
				for err := error(nil); err != io.EOF; {
					_, err = c.Receive(inTime(t))
				}
			})
		}
		all.Go(func() {
			b := make([]byte, 1<<16)
			for range 20 {
				_, _ = child.Read(b)
				_, _ = child.WriteString("{\"cmd\":\"NODE_HANDLE\"}\n[1,2,3]\n")
			}
		})
		all.Go(func() {
			c.Observe(func(json.RawMessage) {})
			_ = c.Disconnect()
		})
		all.Go(c.Close)
		all.Wait()
		child.Close()
	}
}
