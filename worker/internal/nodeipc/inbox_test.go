package nodeipc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
)

func number(i int) json.RawMessage { return json.RawMessage(fmt.Sprint(i)) }

func TestWithoutReceiverTheOldestAreDropped(t *testing.T) {
	in := newInbox()
	for i := range maxQueued + 10 {
		in.put(number(i))
	}
	if in.dropped != 10 || len(in.queue) != maxQueued {
		t.Errorf("%d dropped and %d kept, want 10 and %d", in.dropped, len(in.queue), maxQueued)
	}
	if m, err := in.take(t.Context()); string(m) != "10" || err != nil {
		t.Errorf("took %s, %v, want 10", m, err)
	}
}

func TestWithoutReceiverTheBytesAreBounded(t *testing.T) {
	in := newInbox()
	for range 9 {
		in.put(make(json.RawMessage, maxQueuedBytes/4))
	}
	if in.bytes != maxQueuedBytes || in.dropped != 5 {
		t.Errorf("%d bytes kept and %d messages dropped, want %d and 5", in.bytes, in.dropped, maxQueuedBytes)
	}
	in.put(make(json.RawMessage, MaxMessage)) // alone it may be longer
	if len(in.queue) != 1 || in.bytes != MaxMessage {
		t.Errorf("%d messages of %d bytes kept, want the one of %d", len(in.queue), in.bytes, MaxMessage)
	}
}

func TestWithReceiverPutWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		none, cancel := context.WithCancel(t.Context())
		cancel()
		if m, err := in.take(none); err != context.Canceled {
			t.Fatalf("took %s, %v, want the context's error", m, err)
		}
		put := 0
		go func() {
			for ; put < 1000; put++ {
				in.put(number(put))
			}
			in.end(io.EOF)
		}()
		for i := range 1000 {
			synctest.Wait()
			if want := min(maxQueued+i, 1000); put != want {
				t.Fatalf("after %d were taken %d are put, want %d", i, put, want)
			}
			if m, err := in.take(t.Context()); string(m) != fmt.Sprint(i) || err != nil {
				t.Fatalf("took %s, %v, want %d", m, err, i)
			}
		}
		if m, err := in.take(t.Context()); err != io.EOF {
			t.Errorf("took %s, %v, want the end", m, err)
		}
		if in.dropped != 0 {
			t.Errorf("%d were dropped", in.dropped)
		}
	})
}

func TestLiftedPutDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		in.taken = true
		go func() {
			for i := range 2 * maxQueued {
				in.put(number(i))
			}
			in.end(io.EOF)
		}()
		synctest.Wait()
		close(in.lifted)
		synctest.Wait()
		for i := range 2 * maxQueued {
			if m, err := in.take(t.Context()); string(m) != fmt.Sprint(i) || err != nil {
				t.Fatalf("took %s, %v, want %d", m, err, i)
			}
		}
	})
}

func TestEveryReceiverIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		taken := make(chan string, 10)
		for range 10 {
			go func() {
				m, _ := in.take(t.Context())
				taken <- string(m)
			}()
		}
		synctest.Wait()
		for i := range 5 {
			in.put(number(i))
		}
		synctest.Wait()
		if len(taken) != 5 {
			t.Errorf("%d receivers have a message, want 5", len(taken))
		}
		in.end(io.EOF)
		synctest.Wait()
		if len(taken) != 10 {
			t.Errorf("%d receivers have returned, want 10", len(taken))
		}
	})
}
