// Package nodeipc is the parent's side of the channel that Node's
// child_process.fork makes: in an unmodified script process.send,
// process.on('message'), process.on('disconnect') and process.disconnect work.
//
//	channel, fd, err := nodeipc.New()
//	channel.Observe(func(m json.RawMessage) { … }) // before the start, to miss nothing
//	// start the child with fd as its descriptor 3, and nodeipc.Env(3)
//	unix.Close(fd)
//	err = channel.Send(ctx, map[string]any{"cmd": "work"})
//	message, err := channel.Receive(ctx)
//	// the child has ended
//	channel.Close()
//
// The channel is one socket, and a message is one line of JSON on it (Node's
// serialization 'json'; 'advanced', which is V8's own format, is refused).
//
// What it does not do: it takes and gives no handles (sockets and servers as
// the second argument of send), and it is not the primary of Node's module
// cluster. A child that sends a handle is told that it did not arrive, and goes
// on. Ending the channel does not stop the child.
//
// [Channel] is for Linux; on other systems there is only what describes it.
package nodeipc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxMessage is how many bytes of JSON a message may have, both ways.
const MaxMessage = 16 << 20

var (
	// ErrClosed is returned by Send when the child has disconnected or is
	// dead, and after Disconnect and Close. If the channel was closed because
	// it was broken, what broke it is in the chain.
	ErrClosed = errors.New("the channel to the child is closed")

	// ErrUnfinished is returned by Send, together with the context's error, when
	// the wait ended in the midst of a message. The rest of it follows as soon
	// as the child reads, and only then the next message.
	ErrUnfinished = errors.New("a part of the message is written, the rest follows when the child reads")

	// ErrTooLong is returned by Send for a message of more than MaxMessage
	// bytes. A child that sends one has broken the channel.
	ErrTooLong = fmt.Errorf("the message is longer than %d bytes", MaxMessage)

	// ErrAdvanced says that the child speaks Node's serialization 'advanced',
	// or was to be told to.
	ErrAdvanced = errors.New("serialization 'advanced' of Node is not supported: set NODE_CHANNEL_SERIALIZATION_MODE to json, or leave it out")

	// ErrNotJSON says that the child wrote what is not JSON.
	ErrNotJSON = errors.New("a message is not JSON")
)

const (
	fdVar   = "NODE_CHANNEL_FD"
	modeVar = "NODE_CHANNEL_SERIALIZATION_MODE"
)

// Env returns the variables that tell the child of the channel, which has the
// number fd there. Node takes them out of process.env before the script runs.
func Env(fd int) []string {
	return []string{fdVar + "=" + strconv.Itoa(fd), modeVar + "=json"}
}

// CheckEnv refuses variables (KEY=VALUE) that somebody set for the child and
// which contradict those of [Env].
func CheckEnv(env []string) error {
	for _, kv := range env {
		switch key, value, _ := strings.Cut(kv, "="); {
		case key == modeVar && value == "advanced":
			return ErrAdvanced
		case key == modeVar && value != "json":
			return fmt.Errorf("%s: the only serialization is json", kv)
		case key == fdVar:
			return fmt.Errorf("%s: the number is not known before the child is started, leave it out", kv)
		}
	}
	return nil
}
