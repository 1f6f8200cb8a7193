package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func ctx5s(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func mustTCP(t *testing.T, addr string) Check {
	t.Helper()
	c, err := TCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTCP(t *testing.T) {
	for _, tt := range []struct{ name, network, address, prefix string }{
		{"port", "tcp", "127.0.0.1:0", ""},
		{"socket in the file system", "unix", filepath.Join(t.TempDir(), "s"), "unix:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen(tt.network, tt.address)
			if err != nil {
				t.Skip(err)
			}
			check := mustTCP(t, tt.prefix+l.Addr().String())
			for range 3 {
				if err := check(ctx5s(t)); err != nil {
					t.Errorf("somebody listens: %v", err)
				}
				conn, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("the connection has %d, %v; want it closed by the check", n, err)
				}
				conn.Close()
			}
			l.Close()
			if err := check(ctx5s(t)); err == nil {
				t.Error("nobody listens, and the check is good")
			} else if tt.network == "tcp" && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("nobody listens: %v, want connection refused", err)
			}
		})
	}
}

func TestTCPGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mustTCP(t, l.Addr().String())(ctx); err == nil {
		t.Error("the context is done, and the check is good")
	}
}

func TestConnectionToItself(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ordinary, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if toItself(ordinary) {
		t.Error("an ordinary connection was taken for one to itself")
	}
	ordinary.Close()
	l.Close()

	addr, err := net.ResolveTCPAddr("tcp", freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTCP("tcp", addr, addr)
	if err != nil {
		t.Skipf("this system does not connect a port to itself: %v", err)
	}
	defer conn.Close()
	if !toItself(conn) {
		t.Errorf("%v to %v was not seen to be to itself", conn.LocalAddr(), conn.RemoteAddr())
	}
}

// freePort is an address at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTCPAddresses(t *testing.T) {
	for addr, want := range map[string]string{ // "" is good
		"127.0.0.1:8080":    "",
		"[::1]:8080":        "",
		"localhost:65535":   "",
		":8080":             "",
		"unix:/run/app":     "",
		"unix:@app":         "",
		"":                  `address "": missing port in address: give a host and a port, as in "127.0.0.1:8080"`,
		"localhost":         `address "localhost": missing port in address: give a host and a port, as in "127.0.0.1:8080"`,
		"::1:8080":          `address "::1:8080": too many colons in address: give a host and a port, as in "127.0.0.1:8080"`,
		"localhost:http":    `address "localhost:http": port "http" is not a number from 1 to 65535, as in "127.0.0.1:8080"`,
		"localhost:0":       `address "localhost:0": port "0" is not a number from 1 to 65535, as in "127.0.0.1:8080"`,
		"localhost:65536":   `address "localhost:65536": port "65536" is not a number from 1 to 65535, as in "127.0.0.1:8080"`,
		"local host:80":     `address "local host:80": "local host" is not a host, as in "127.0.0.1:8080"`,
		"http://localhost:": `address "http://localhost:": too many colons in address: give a host and a port, as in "127.0.0.1:8080"`,
		"unix:":             `address "unix:": give the absolute path of a socket, as in "unix:/run/app.sock"`,
		"unix:@":            `address "unix:@": give the absolute path of a socket, as in "unix:/run/app.sock"`,
		"unix:run/app.sock": `address "unix:run/app.sock": give the absolute path of a socket, as in "unix:/run/app.sock"`,
		"unix:/a\x00":       `address "unix:/a\x00": a path cannot contain a NUL byte, as in "unix:/run/app.sock"`,
		"unix:/" + strings.Repeat("a", 107): `address "unix:/` + strings.Repeat("a", 107) +
			`": the path has 108 bytes, and that of a socket 107 at most: give a shorter one, as in "unix:/run/app.sock"`,
	} {
		check, err := TCP(addr)
		switch {
		case want == "" && (err != nil || check == nil):
			t.Errorf("%q: %v", addr, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%q: %v\nwant %s", addr, err, want)
		}
	}
}
