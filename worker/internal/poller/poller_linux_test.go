package poller

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/coppice-go/coppice/worker/internal/poller.wait"))
}

// told has what a waiter is told.
type told chan bool

func (c told) Ready(over bool) { c <- over }

func (c told) want(t *testing.T, over bool) {
	t.Helper()
	select {
	case got := <-c:
		if got != over {
			t.Errorf("over is %v", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("there was no event")
	}
}

func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func add(t *testing.T, fd int, w Waiter) ID {
	t.Helper()
	id, err := Add(fd, w)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func write(t *testing.T, fd int) {
	t.Helper()
	if _, err := unix.Write(fd, []byte("x")); err != nil {
		t.Fatal(err)
	}
}

// An event comes once for each time that it was asked for, also for what came
// when nobody asked.
func TestOneEvent(t *testing.T) {
	r, w := pipe(t)
	defer unix.Close(r)
	events := make(told, 10)
	id := add(t, r, events)
	defer Forget(id)
	write(t, w)
	events.want(t, false)
	write(t, w)

	other, otherEnd := pipe(t) // whose event comes after those of r
	defer unix.Close(other)
	defer unix.Close(otherEnd)
	after := make(told, 1)
	defer Forget(add(t, other, after))
	write(t, otherEnd)
	after.want(t, false)
	if len(events) != 0 {
		t.Error("there was an event that nobody asked for")
	}

	Again(id, r)
	events.want(t, false)
	var b [8]byte
	_, _ = unix.Read(r, b[:])
	unix.Close(w)
	Again(id, r)
	events.want(t, true)
}

// What was registered for somebody who is gone is nobody's, whoever has his place
// now. Here a duplicate keeps the registration.
func TestStale(t *testing.T) {
	r, w := pipe(t)
	defer unix.Close(w)
	gone := make(told, 1)
	id := add(t, r, gone)
	kept, err := unix.FcntlInt(uintptr(r), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(kept)
	Forget(id)
	Forget(id) // changes nothing
	unix.Close(r)

	next, nextEnd := pipe(t)
	defer unix.Close(next)
	defer unix.Close(nextEnd)
	events := make(told, 2)
	nextID := add(t, next, events)
	defer Forget(nextID)
	if nextID.slot != id.slot || nextID == id || next != r {
		t.Errorf("the place of %v at descriptor %d is not used again: %v at %d", id, r, nextID, next)
	}
	write(t, w)
	write(t, nextEnd)
	events.want(t, false)
	if len(gone)+len(events) != 0 {
		t.Error("an event came to somebody else")
	}
}

func TestRegistered(t *testing.T) {
	before := Registered()
	r, w := pipe(t)
	defer unix.Close(w)
	id := add(t, r, make(told, 1))
	if n := Registered(); n != before+1 {
		t.Errorf("%d are registered, %d were before", n, before)
	}
	Forget(id)
	unix.Close(r)
	if _, err := Add(r, make(told, 1)); err == nil {
		t.Error("a closed descriptor was registered")
	}
	if n := Registered(); n != before {
		t.Errorf("%d are registered, %d were before", n, before)
	}
}
