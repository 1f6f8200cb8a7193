package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// TCP makes a check that is good when addr accepts a connection, which is
// closed at once: "host:port", with the port as a number, where no host is this
// machine; or "unix:/path" for a stream socket in the file system, and
// "unix:@name" for one in Linux's abstract namespace. The error says what is
// wrong with addr.
func TCP(addr string) (Check, error) {
	network, address := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, address = "unix", path
		if err := checkSocketPath(path); err != nil {
			return nil, fmt.Errorf(`address %q: %w, as in "unix:/run/app.sock"`, addr, err)
		}
	} else if err := checkHostPort(addr); err != nil {
		return nil, fmt.Errorf(`address %q: %w, as in "127.0.0.1:8080"`, addr, err)
	}
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		defer conn.Close()
		if network == "tcp" && toItself(conn) {
			return fmt.Errorf("dial tcp %s: connected to itself: nobody listens there", address)
		}
		return nil
	}, nil
}

// toItself: when nobody listens at a port of this machine, the system may give
// that very port to who connects, and the connection comes about (simultaneous
// open, RFC 9293, 3.5).
func toItself(conn net.Conn) bool { return conn.LocalAddr().String() == conn.RemoteAddr().String() }

func checkHostPort(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		var wrong *net.AddrError
		if errors.As(err, &wrong) {
			err = errors.New(wrong.Err)
		}
		return fmt.Errorf("%w: give a host and a port", err)
	}
	if strings.ContainsAny(host, "/ \t\r\n\x00") {
		return fmt.Errorf("%q is not a host", host)
	}
	return checkPort(port)
}

func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	return nil
}

// maxSocketPath is what sun_path holds (unix(7)).
const maxSocketPath = 107

func checkSocketPath(path string) error {
	switch {
	case strings.HasPrefix(path, "@") && len(path) > 1:
	case !filepath.IsAbs(path):
		return errors.New("give the absolute path of a socket")
	}
	switch {
	case strings.IndexByte(path, 0) >= 0:
		return errors.New("a path cannot contain a NUL byte")
	case len(path) > maxSocketPath:
		return fmt.Errorf("the path has %d bytes, and that of a socket %d at most: give a shorter one", len(path), maxSocketPath)
	}
	return nil
}
