//go:build linux

package worker

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A host whose descriptors are used up starts one more child as soon as there
// are some again, and its other children notice nothing.
func TestDescriptorsReturn(t *testing.T) {
	r := start(t, self("full"))
	if err := r.end(); err != nil || r.log.count("info: waited, and started") != 1 || r.log.count("info:") != 1 {
		t.Errorf("%v; log:\n%s", err, r.log)
	}
}

func full() {
	log := newJournal()
	ctx := withLogger(log)
	var first [5]*Process // together they hold what it takes to start one
	for i := range first {
		p, err := self("sleep").Process()
		if err == nil {
			err = p.Init(ctx)
		}
		if err != nil {
			fmt.Println("cannot start at all:", err)
			return
		}
		first[i] = p
	}
	used, _ := os.ReadDir("/proc/self/fd")
	lim := unix.Rlimit{Cur: uint64(len(used) + 1), Max: 4096}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		fmt.Println("setrlimit:", err)
		return
	}
	second, _ := self("sleep").Process()
	done := make(chan error, 1)
	go func() { done <- second.Init(ctx) }()
	for log.count("waiting for the machine") == 0 {
		log.next()
	}
	for _, p := range first {
		if !alive(p.PID()) || second.PID() != 0 {
			fmt.Println("the first should live, and the second wait")
		}
	}
	for _, p := range first {
		p.Kill()
		_ = p.Serve(ctx)
	}
	if err := <-done; err != nil {
		fmt.Println("never started:", err)
		return
	}
	second.Kill()
	_ = second.Serve(ctx)
	fmt.Println("waited, and started")
}
