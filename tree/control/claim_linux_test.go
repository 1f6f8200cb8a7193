package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coppice-go/coppice/tree/control/internal/place"
)

// shortDir makes a directory: those of tests have too long a name for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func newTestClaim(t *testing.T, dir string) *claim {
	t.Helper()
	c, err := newClaim(dir, "shop")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// giveUp ends a claim as the end of a process does: nothing is removed.
func (c *claim) giveUp() {
	c.listener.Close()
	c.lock.Close()
}

func (c *claim) end(t *testing.T) {
	t.Helper()
	c.listener.Close()
	if err := c.release(); err != nil {
		t.Error(err)
	}
}

func TestClaim(t *testing.T) {
	dir := shortDir(t)
	c := newTestClaim(t, dir)
	for _, name := range []string{"shop.sock", "shop.lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	_, err := newClaim(dir, "shop")
	running, ok := errors.AsType[*RunningError](err)
	if !ok || running.PID != os.Getpid() {
		t.Errorf("a second claim: %v, want that process %d has it", err, os.Getpid())
	}
	other, err := newClaim(dir, "other")
	if err != nil {
		t.Fatal(err)
	}
	other.end(t)
	c.end(t)
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	newTestClaim(t, dir).end(t)
}

// TestClaimOfTheDead: what a process left behind that was killed is replaced.
func TestClaimOfTheDead(t *testing.T) {
	dir := shortDir(t)
	newTestClaim(t, dir).giveUp()
	if _, err := os.Lstat(filepath.Join(dir, "shop.sock")); err != nil {
		t.Fatal("nothing was left behind:", err)
	}
	newTestClaim(t, dir).end(t)
}

// TestClaimWithoutItsLock: who listens is not replaced, though somebody removed
// the lock file.
func TestClaimWithoutItsLock(t *testing.T) {
	dir := shortDir(t)
	c := newTestClaim(t, dir)
	defer c.giveUp()
	if err := os.Remove(place.Lock(c.path)); err != nil {
		t.Fatal(err)
	}
	if _, err := newClaim(dir, "shop"); err == nil || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("got %v, want that this process has it", err)
	}
	conn, err := net.Dial("unix", c.path)
	if err != nil {
		t.Fatal("the socket does not answer any more:", err)
	}
	conn.Close()
}

// TestClaimBeforeItListens: a name is taken though nobody listens yet.
func TestClaimBeforeItListens(t *testing.T) {
	dir := shortDir(t)
	lock, err := place.LockFile(filepath.Join(dir, "shop.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err = newClaim(dir, "shop"); err == nil || !strings.Contains(err.Error(), "another process has") {
		t.Errorf("got %v, want that another process has it", err)
	}
}

func TestClaimOfWhatIsNoSocket(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "shop.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newClaim(dir, "shop"); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("got %v, want that it is no socket", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "precious" {
		t.Error("the file was touched")
	}
	if _, err := os.Lstat(filepath.Join(dir, "shop.lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock file is left: %v", err)
	}
}

// TestClaimRace: of many at the same time one has the name, again and again,
// whether the one before gave it back or died.
func TestClaimRace(t *testing.T) {
	dir := shortDir(t)
	var holders, wins atomic.Int32
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 50 {
				c, err := newClaim(dir, "shop")
				if _, taken := errors.AsType[*RunningError](err); taken {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d have the name", n)
				}
				if conn, err := net.Dial("unix", c.path); err != nil {
					t.Errorf("nobody listens at the socket of who has the name: %v", err)
				} else {
					conn.Close()
				}
				wins.Add(1)
				holders.Add(-1)
				if (g+i)%2 == 0 {
					c.giveUp()
				} else {
					c.end(t)
				}
			}
		})
	}
	all.Wait()
	if wins.Load() == 0 {
		t.Error("nobody ever had the name")
	}
}
