package control_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/tree/control"
	"github.com/coppice-go/coppice/tree/control/client"
	"github.com/coppice-go/coppice/tree/control/controltest"
)

// TestSlowHeader: one that sends its header byte by byte is not waited for
// longer than five seconds.
func TestSlowHeader(t *testing.T) {
	t.Parallel()
	_, r, c := start(t)
	conn := connect(t, r)
	begun := time.Now()
	if _, err := io.WriteString(conn, "GET /v1/info HTTP/1.1\r\nHo"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(begun.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server still waits for the header after a minute")
	}
	if d := time.Since(begun); d < 4*time.Second || d > 30*time.Second {
		t.Errorf("the server gave up after %v", d)
	}
	if _, err := c.Info(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestQuietStream: the limits of a request are not those of the answer: a stream
// in which nothing happens lives on, and says so.
func TestQuietStream(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 s, the time between two signs of life")
	}
	t.Parallel()
	_, r, _ := start(t)
	conn := connect(t, r)
	fmt.Fprint(conn, "GET /v1/logs?path=shop&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); line != "\n" || err != nil {
		t.Fatalf("a sign of life: %q, %v", line, err)
	}
	say(r.Book, "shop/db", 1, "hello")
	if line, err := lines.ReadString('\n'); !strings.Contains(line, "hello") || err != nil {
		t.Errorf("afterwards: %q, %v", line, err)
	}
}

func TestLargeHeader(t *testing.T) {
	_, r, _ := start(t)
	conn := connect(t, r)
	fmt.Fprintf(conn, "GET /v1/info HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 64<<10))
	if resp, _ := answer(t, conn); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("the answer is %s", resp.Status)
	}
}

// TestTooManyConnections: 64 are served, some more are told that they are too
// many, the rest wait for their turn; and all is well when they have gone.
func TestTooManyConnections(t *testing.T) {
	_, r, c := start(t)
	var streams []net.Conn
	for range 64 {
		conn := connect(t, r)
		fmt.Fprint(conn, "GET /v1/events?since=0s&follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil) // the header is there: it is served
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(resp, err)
		}
		streams = append(streams, conn)
	}
	_, err := c.Info(t.Context())
	if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.Busy || !strings.Contains(e.Message, "64 connections") {
		t.Fatalf("the 65th got %v", err)
	}
	var idle []net.Conn
	for range 16 {
		idle = append(idle, connect(t, r))
	}
	late := connect(t, r) // not accepted before another goes
	fmt.Fprint(late, "GET /v1/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	for _, conn := range append(streams, idle...) {
		conn.Close()
	}
	if resp, body := answer(t, late); resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the last in the queue got %s: %s", resp.Status, body)
	}
	c.Close()
	for { // the server finds out by and by that they have gone
		i, err := c.Info(t.Context())
		if err == nil && i.Name == "shop" {
			break
		}
		if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.Busy {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
}

// TestOtherUser: another user's connection is answered 403 and closed. Root can
// be anybody: here one thread is.
func TestOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: to connect as another user")
	}
	_, r, _ := start(t)
	// The directory and the socket would keep others out by themselves.
	for path, mode := range map[string]os.FileMode{r.Dir: 0o711, r.Server.Socket(): 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	fd := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		_, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0))
		s, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Connect(s, &unix.SockaddrUnix{Name: r.Server.Socket()})
		}
		if errno != 0 || err != nil {
			t.Error(errno, err)
		}
		fd <- s
	}()
	f := os.NewFile(uintptr(<-fd), "socket")
	conn, err := net.FileConn(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n{\"path\":\"shop/db\"}")
	resp, body := answer(t, conn)
	e := errorOf(t, body)
	if resp.StatusCode != http.StatusForbidden || e.Code != control.Forbidden || !strings.Contains(e.Message, "you are uid 65534") {
		t.Errorf("%s: %s", resp.Status, body)
	}
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is open still: %d, %v", n, err)
	}
}

// TestClose: what clients are at does not keep the server from closing, and
// nothing is left of it.
func TestClose(t *testing.T) {
	_, r, c := start(t)
	idle := connect(t, r)
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	stuck := connect(t, r)
	fmt.Fprint(stuck, "GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	waits := connect(t, r)
	fmt.Fprint(waits, "GET /v1/wait?path=shop/db&state=stopped HTTP/1.1\r\nHost: x\r\n\r\n")
	socket := r.Server.Socket()
	for range 2 {
		if err := r.Server.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{socket, strings.TrimSuffix(socket, ".sock") + ".lock"} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if _, err := io.Copy(io.Discard, idle); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an idle connection: %v", err)
	}
	if _, err := client.Dial(t.Context(), r.Dir, "shop"); !errors.Is(err, client.ErrNoTree) {
		t.Errorf("dial afterwards: %v", err)
	}
	controltest.StartIn(t, r.Dir, "shop", newShop().spec())
}
