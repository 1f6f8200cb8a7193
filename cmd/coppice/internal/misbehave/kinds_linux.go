package misbehave

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// linuxOnly are the kinds that take more than Go's portable library.
var linuxOnly = map[string]func(*Options) error{
	"slow-stop":      slowStop,
	"signal":         signalSelf,
	"core":           dumpCore,
	"stop-self":      stopSelf,
	"forks":          func(o *Options) error { return o.makeMany(&unix.SysProcAttr{}) },
	"own-group":      func(o *Options) error { return o.makeMany(&unix.SysProcAttr{Setpgid: true}) },
	"setsid":         func(o *Options) error { return o.makeMany(&unix.SysProcAttr{Setsid: true}) },
	"double-fork":    doubleFork,
	"leave":          leave,
	"hold-pipe":      holdPipe,
	"fork-storm":     forkStorm,
	"comet":          comet,
	"notify-garbage": notifyGarbage,
}

func slowStop(o *Options) error {
	if _, err := o.awaitTerm(); err != nil {
		return err
	}
	time.Sleep(o.For)
	return die(unix.SIGTERM)
}

func stopSelf(o *Options) error {
	if err := o.settled(); err != nil {
		return err
	}
	if err := unix.Kill(os.Getpid(), unix.SIGSTOP); err != nil {
		return err
	}
	return linger() // somebody continued it
}

func notifyGarbage(o *Options) error {
	if err := notifiable(); err != nil {
		return err
	}
	conn, err := dialNotify()
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, s := range notifyNonsense {
		if _, err := conn.Write([]byte(s)); err != nil {
			return err
		}
	}
	// Descriptors that nobody asked for must be closed by who gets them.
	if err := sendRights(conn, "X_UNASKED=1", 0, 0, 0); err != nil {
		return err
	}
	return o.settleAndLinger()
}

// sendRights is what conn.WriteMsgUnix does, but refuses on a connected socket.
func sendRights(conn *net.UnixConn, text string, fds ...int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = raw.Write(func(fd uintptr) bool {
		sendErr = unix.Sendmsg(int(fd), []byte(text), unix.UnixRights(fds...), nil, 0)
		return sendErr != unix.EAGAIN
	})
	return errors.Join(err, sendErr)
}

// beFirstVictim spares everybody else on the machine; making oneself likelier
// takes no rights (proc_pid_oom_score_adj(5)).
func beFirstVictim() error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		return fmt.Errorf("not without being the first to be killed: %w", err)
	}
	return nil
}
