package worker

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-go/coppice/strategies"
)

// Inherit says what a program gets of the host's environment.
type Inherit uint8

const (
	// InheritAll is everything, as os/exec does.
	InheritAll Inherit = iota
	// InheritSafe is what a program needs to find its way, and nothing that
	// could be a secret: PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_…, TZ,
	// TMPDIR and TERM.
	InheritSafe
	// InheritNone is nothing.
	InheritNone
)

var inheritNames = [...]string{"all", "safe", "none"}

func (i Inherit) String() string {
	if int(i) < len(inheritNames) {
		return inheritNames[i]
	}
	return fmt.Sprintf("Inherit(%d)", uint8(i))
}

var safeToInherit = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "TERM"}

func (i Inherit) environ() []string {
	switch i {
	case InheritNone:
		return nil
	case InheritSafe:
		return slices.DeleteFunc(os.Environ(), func(kv string) bool {
			key, _, _ := strings.Cut(kv, "=")
			return !slices.Contains(safeToInherit, key) && !strings.HasPrefix(key, "LC_")
		})
	}
	return os.Environ()
}

// notInherited is what would tell a program of the host's own supervisor: it
// must not talk to that.
var notInherited = []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
	"NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"}

// environ is the environment of a child started with ctx.
func (c *Command) environ(ctx context.Context, more ...string) []string {
	env := slices.DeleteFunc(c.Inherit.environ(), func(kv string) bool {
		key, value, _ := strings.Cut(kv, "=")
		// A coppice below this one must not make its cgroups beside ours.
		return slices.Contains(notInherited, key) || key == "COPPICE_CGROUP" && value != "off"
	})
	env = append(append(env, c.Identity.environ()...), c.Env...)
	if ref, ok := strategies.ChildFrom(ctx); ok {
		env = append(env,
			"COPPICE_CHILD="+ref.Path,
			"COPPICE_INCARNATION="+strconv.FormatUint(ref.Incarnation, 10))
	}
	return lastOfEach(append(env, more...))
}

// lastOfEach drops all but the last entry of each key, as os/exec does: getenv
// in the child would find the first.
func lastOfEach(env []string) []string {
	seen := make(map[string]bool, len(env))
	kept := make([]string, 0, len(env))
	for _, kv := range slices.Backward(env) {
		key, _, _ := strings.Cut(kv, "=")
		if !seen[key] {
			seen[key] = true
			kept = append(kept, kv)
		}
	}
	slices.Reverse(kept)
	return kept
}
