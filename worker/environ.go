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

// environ is the environment of a child started with ctx. Of entries with the
// same key the last counts, as with os/exec.
func (c *Command) environ(ctx context.Context, more ...string) []string {
	env := slices.DeleteFunc(c.Inherit.environ(), func(kv string) bool {
		key, value, _ := strings.Cut(kv, "=")
		// A coppice below this one must not make its cgroups beside ours.
		return slices.Contains(notInherited, key) || key == "COPPICE_CGROUP" && value != "off"
	})
	env = set(env, c.Identity.environ())
	env = set(env, c.Env)
	if ref, ok := strategies.ChildFrom(ctx); ok {
		env = set(env, []string{
			"COPPICE_CHILD=" + ref.Path,
			"COPPICE_INCARNATION=" + strconv.FormatUint(ref.Incarnation, 10),
			"COPPICE_SUPERVISOR=" + strconv.Itoa(os.Getpid()),
		})
	}
	return set(env, more)
}

// set adds entries to an environment, each in place of the one with its key, for
// getenv in the child would find the first.
func set(env, entries []string) []string {
	for _, kv := range entries {
		key, _, _ := strings.Cut(kv, "=")
		if i := slices.IndexFunc(env, func(old string) bool {
			return len(old) > len(key) && old[len(key)] == '=' && old[:len(key)] == key
		}); i >= 0 {
			env[i] = kv
		} else {
			env = append(env, kv)
		}
	}
	return env
}
