//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Each command runs, is started again when it was killed, and is gone after
// the stop.
func TestSupervise(t *testing.T) {
	for _, parallel := range []int{0, 4} {
		dir := t.TempDir()
		pids := filepath.Join(dir, "pids")
		script := filepath.Join(dir, "child")
		write(t, script, fmt.Sprintf("#!/bin/sh\necho $$ $1 >>%s\nexec sleep 300\n", pids))
		file := filepath.Join(dir, "commands")
		write(t, file, fmt.Sprintf("%s a\n\n%[1]s  b\n", script))

		ctx, stop := context.WithCancel(context.Background())
		var served sync.WaitGroup
		var err error
		served.Go(func() { err = supervise(ctx, file, "", parallel) })
		t.Cleanup(func() { stop(); served.Wait() })
		first := await(t, pids, 2)
		if err := syscall.Kill(first[0].pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		all := await(t, pids, 3)
		if all[2].name != first[0].name || all[0].name == all[1].name {
			t.Errorf("started were %v", all)
		}
		stop()
		served.Wait()
		if err != nil {
			t.Error(err)
		}
		for _, s := range all {
			if syscall.Kill(s.pid, 0) == nil {
				t.Errorf("%v is alive", s)
			}
		}
	}
}

// started is a line that a child wrote.
type started struct {
	pid  int
	name string
}

// await waits for n lines.
func await(t *testing.T, file string, n int) (all []started) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		b, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if strings.Count(string(b), "\n") == n {
			for line := range strings.Lines(string(b)) {
				pid, name, _ := strings.Cut(strings.TrimSpace(line), " ")
				id, err := strconv.Atoi(pid)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, started{id, name})
			}
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d starts did not come, but:\n%s", n, b)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	write(t, empty, "\n \n")
	for _, file := range []string{empty, filepath.Join(dir, "missing")} {
		if err := supervise(t.Context(), file, "", 0); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
