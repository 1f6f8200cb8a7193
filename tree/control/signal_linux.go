package control

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ParseSignal reads the name of a signal, with or without SIG, in upper or lower
// case, or its number. The error is an *[Error], with [BadRequest]; where signals
// have no names here it wraps errors.ErrUnsupported.
func ParseSignal(text string) (syscall.Signal, error) {
	sig := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(text), "SIG"))
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= 64 {
		sig = syscall.Signal(n)
	}
	if sig == 0 {
		return 0, badRequest("give a name, as HUP, or a number from 1 to 64", "%q is no signal", text)
	}
	return sig, nil
}
