package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

const trees = "../../testdata/trees"

// Every example runs as it is: it comes up, a crash restarts whom its comments say
// and nobody else, and it stops in order.
func TestExampleTrees(t *testing.T) {
	node := func(t *testing.T) {
		if _, err := exec.LookPath("node"); err != nil {
			t.Skip("node is not installed")
		}
	}
	for _, tree := range []struct {
		name, victim string
		restarted    []string // in order
		needs        func(*testing.T)
	}{
		{"node-shop", "store", []string{"store", "worker", "api"}, node},
		{"node-shop", "api", []string{"api"}, node},
		{"web-stack", "backend/app-1", []string{"backend/cache", "backend/app-1", "backend/app-2"}, node},
		{"web-stack", "front/proxy", []string{"front/proxy"}, node},
		{"pipeline", "double", []string{"pipes", "produce", "double", "collect"}, nil},
		{"graph", "queue", []string{"queue", "orders", "shop"}, nil},
		{"misbehaving", "deaf", []string{"deaf"}, nil},
	} {
		t.Run(tree.name+"/"+tree.victim, func(t *testing.T) {
			if tree.needs != nil {
				tree.needs(t)
			}
			for _, port := range []string{"SHOP_PORT", "STACK_CACHE", "STACK_PROXY"} {
				t.Setenv(port, freePort(t))
			}
			tmp, err := os.MkdirTemp("", "cop") // with sockets in it, whose paths are short
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(tmp)
			t.Setenv("TMPDIR", tmp)
			file := filepath.Join(trees, tree.name, "tree.yaml")
			if out, err := coppice(t, "check", file).CombinedOutput(); err != nil {
				t.Fatalf("%v:\n%s", err, out)
			}
			r := runFile(t, file)
			r.await(1, "-- "+tree.name+": started")
			up := len(startsOf(r))
			r.ask("signal", tree.name+"/"+tree.victim, "KILL")
			for _, id := range tree.restarted {
				r.await(2, fmt.Sprintf(`-- %s/%s: started`, tree.name, id))
			}
			if tree.name != "misbehaving" { // there are others that crash
				var want []string
				for _, id := range tree.restarted {
					want = append(want, tree.name+"/"+id)
				}
				if got := startsOf(r)[up:]; strings.Join(got, " ") != strings.Join(want, " ") {
					t.Errorf("%q were started, want %q", got, want)
				}
			}
			pids := descendants(t, r.cmd.Process.Pid, 10)
			r.signal(syscall.SIGTERM)
			if status := r.wait(); status != exit.Clean {
				t.Errorf("exit status %d:\n%s", status, r.log())
			}
			for _, pid := range pids {
				waitGone(t, pid)
			}
		})
	}
}

// startsOf returns the paths of what was started, in the order of the log.
func startsOf(r *liveRun) (paths []string) {
	for line := range strings.Lines(r.log()) {
		if _, rest, ok := strings.Cut(line, " -- "); ok {
			if path, _, ok := strings.Cut(rest, ": started (pid"); ok {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
