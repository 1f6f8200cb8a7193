package control

import (
	"net"
	"sync"

	"github.com/coppice-go/coppice/tree/control/internal/place"
)

const (
	// maxConns is how many connections are served at once.
	maxConns = 64
	// moreConns is how many more are accepted, to be told that there are too
	// many. Those beyond wait to be accepted.
	moreConns = 16
)

// listener accepts connections, but not too many, and finds out who they are.
type listener struct {
	*net.UnixListener
	slots  chan struct{} // one taken for each connection
	closed chan struct{}
	once   sync.Once
}

func newListener(l *net.UnixListener) *listener {
	return &listener{UnixListener: l, slots: make(chan struct{}, maxConns+moreConns), closed: make(chan struct{})}
}

// conn is a connection and who is at its other end.
type conn struct {
	*net.UnixConn
	uid     int
	err     error // why the uid is not known
	tooMany bool
	release func()
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	tooMany := len(l.slots) > maxConns
	c, err := l.AcceptUnix()
	if err != nil {
		<-l.slots
		return nil, err
	}
	uid, _, err := place.Peer(c)
	return &conn{UnixConn: c, uid: uid, err: err, tooMany: tooMany, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.UnixListener.Close()
}

func (c *conn) Close() error {
	defer c.release()
	return c.UnixConn.Close()
}
