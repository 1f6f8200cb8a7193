package misbehave

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	notifySocket = "NOTIFY_SOCKET"
	watchdogUsec = "WATCHDOG_USEC"
	nodeChannel  = "NODE_CHANNEL_FD"
)

// notifiable says whether there is somebody to notify.
func notifiable() error {
	if os.Getenv(notifySocket) == "" {
		return fmt.Errorf("%s is not set: run it under a supervisor that sets it", notifySocket)
	}
	return nil
}

// dialNotify opens the socket of sd_notify(3); one that begins with @ is
// abstract, which net.UnixAddr understands.
func dialNotify() (*net.UnixConn, error) {
	return net.DialUnix("unixgram", nil, &net.UnixAddr{Name: os.Getenv(notifySocket), Net: "unixgram"})
}

func notify(state string) error {
	conn, err := dialNotify()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}

func watchdogMiss(o *Options) error {
	if err := notifiable(); err != nil {
		return err
	}
	usec, err := strconv.ParseUint(os.Getenv(watchdogUsec), 10, 32)
	if err != nil || usec < 2 {
		return fmt.Errorf("%s is %q, not a time in microseconds: run it under a supervisor that watches it", watchdogUsec, os.Getenv(watchdogUsec))
	}
	o.Ready = true
	if err := o.settled(); err != nil {
		return err
	}
	for end := time.Now().Add(o.For); time.Now().Before(end); {
		if err := notify("WATCHDOG=1"); err != nil {
			return err
		}
		time.Sleep(time.Duration(usec) * time.Microsecond / 2) // sd_watchdog_enabled(3)
	}
	return linger()
}

// notifyNonsense are datagrams of which a receiver must believe nothing.
var notifyNonsense = []string{
	"READY", "READY=", "READY=0", "READY=2", "READY=1x", " READY=1", "ready=1", "XREADY=1", "=1", "=", "\n\n\n",
	"MAINPID=1", "MAINPID=-1", "MAINPID=99999999999999999999", "MAINPID=x",
	"EXTEND_TIMEOUT_USEC=", "EXTEND_TIMEOUT_USEC=-1", "EXTEND_TIMEOUT_USEC=99999999999999999999",
	"WATCHDOG_USEC=0x10", "WATCHDOG=maybe", "STATUS=\x1b[2J\xff\xfe", "ERRNO=many", "EXIT_STATUS=256",
	"FDSTORE=1", "FDSTOREREMOVE=1\nFDNAME=a:b", "BARRIER=1", "BARRIER=1\nREADY=0",
	"\x00\x01\x02\xff\xfe", strings.Repeat("x", 64<<10),
}

// nodeNonsense are bytes on the channel of Node's child_process.fork, where each
// line ought to be a JSON value.
var nodeNonsense = []string{
	"ready\n", "'ready'\n", `{"type":"ready"` + "\n", `["ready"` + "\n", "\n", "nul\n", "\x00\x01\xff\xfe\n",
	`{"cmd":"NODE_HANDLE","type":"net.Socket"}` + "\n", // and no descriptor with it
	`{"cmd":"NODE_HANDLE_ACK"}` + "\n",                 // of a handle that nobody sent
	`{"cmd":"NODE_NO_SUCH"}` + "\n",
	"\x00\x00\x00\x09\xff\x0f\x22\x05ready", // the other serialisation
	strings.Repeat("[", 64<<10) + "\n",
	`"rea`, // and no end
}

func nodeGarbage(o *Options) error {
	fd, err := strconv.Atoi(os.Getenv(nodeChannel))
	if err != nil || fd < 3 {
		return fmt.Errorf("%s is %q, not a descriptor: run it under a supervisor that opens the channel", nodeChannel, os.Getenv(nodeChannel))
	}
	channel := os.NewFile(uintptr(fd), nodeChannel)
	if channel == nil {
		return fmt.Errorf("%s is %d: %w", nodeChannel, fd, os.ErrInvalid)
	}
	for _, s := range nodeNonsense {
		if _, err := channel.WriteString(s); err != nil {
			return err
		}
	}
	return o.settleAndLinger()
}
