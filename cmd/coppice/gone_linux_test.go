package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// waitGone waits until a process is gone or a zombie, two seconds at most.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return
		}
		if _, after, _ := strings.Cut(string(b), ") "); strings.HasPrefix(after, "Z") {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("pid %d is alive", pid)
			return
		}
	}
}
