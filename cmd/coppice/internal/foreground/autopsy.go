package foreground

import (
	"errors"
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// autopsy tells why a tree ended: the chain of causes from the root down, and the
// last output of the program that began it.
func autopsy(err error) string {
	var b strings.Builder
	indent := ""
	for level := next(err); level.who != ""; level = next(err) {
		fmt.Fprintf(&b, "%s%s %s\n", indent, level.who, level.what)
		err = level.cause
		indent += "  "
	}
	if err == nil {
		fmt.Fprintf(&b, "%sit ended without an error\n", indent)
		return b.String()
	}
	fmt.Fprintf(&b, "%s%v\n", indent, err)
	for i, line := range tail(err) {
		if i == 0 {
			fmt.Fprintf(&b, "%sits last output:\n", indent)
		}
		fmt.Fprintf(&b, "%s| %s\n", indent, line)
	}
	return b.String()
}

// endError is the end of a tree of which the log has told already: in short.
type endError struct{ err error }

func (e *endError) Error() string {
	line, _, _ := strings.Cut(autopsy(e.err), "\n")
	return line
}

func (e *endError) Unwrap() error { return e.err }

// level is one step of a chain; who is empty at its end.
type level struct {
	who, what string
	cause     error
}

// next finds the outermost supervisor or start in an error.
func next(err error) level {
	for ; err != nil; err = errors.Unwrap(err) {
		switch e := err.(type) {
		case *tree.ExhaustedError:
			return level{e.Path, fmt.Sprintf("gave up: %s needed restart %d, %s", e.Child, e.Restarts, limit(e.Intensity)), e.Cause}
		case *tree.StartError:
			return level{e.Path, "could not be started", e.Err}
		}
	}
	return level{}
}

func limit(i strategies.Intensity) string {
	if i.Max <= 0 {
		return "none is allowed"
	}
	return fmt.Sprintf("%d allowed within %v", i.Max, i.Within)
}

// tail is the last output of the program whose end the error is.
func tail(err error) []string {
	var t interface{ OutputTail() []string }
	if errors.As(err, &t) {
		return t.OutputTail()
	}
	return nil
}
