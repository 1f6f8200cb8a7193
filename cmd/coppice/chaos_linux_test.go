package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree/chaos"
)

// misbehaving has, for each class of fault that lives in a child, children that
// show it.
var misbehaving = map[string]string{
	"enospc":        `{id: enospc, command: [coppice, misbehave, flood, --bytes, "0", --rate, 10kB], log: {file: /dev/full}}`,
	"fails_first":   `{id: fails-first, command: [coppice, misbehave, fail-first, --file, count, --times, "3"], dir: DIR}`,
	"ignores_term":  `{id: ignores-term, command: [coppice, misbehave, ignore-term], stop: {timeout: 200ms}}`,
	"slow_stop":     `{id: slow-stop, command: [coppice, misbehave, slow-stop, --for, 300ms], stop: {timeout: 2s}}`,
	"fails_stop":    `{id: fails-stop, command: [coppice, misbehave, fail-stop, --code, "1"]}`,
	"escapes":       `{id: setsid, command: [coppice, misbehave, setsid]}, {id: daemon, command: [coppice, misbehave, double-fork]}, {id: comet, command: [coppice, misbehave, comet, --n, "5"]}, {id: hold, command: [coppice, misbehave, hold-pipe], restart: transient}`,
	"floods":        `{id: floods, command: [coppice, misbehave, flood, --bytes, "0", --rate, 5MB]}`,
	"endless_line":  `{id: endless, command: [coppice, misbehave, endless-line, --bytes, 1MB], restart: transient}`,
	"binary_output": `{id: binary, command: [coppice, misbehave, binary, --bytes, "0", --rate, 1MB]}`,
	"closes_output": `{id: closes, command: [coppice, misbehave, close-output]}`,
	"busy":          `{id: busy, command: [coppice, misbehave, busy]}`,
	"no_program":    `{id: no-program, command: [DIR/program], backoff: {min: 100ms}}`,
}

// elsewhere are the classes that are tested otherwise, and where.
var elsewhere = map[string]string{
	"never_ready": "a tree that does not come up: TestNeverReady",
	"flaps":       "TestFlaps",
	"oom":         "needs a memory limit of cgroups: worker's TestOOMKill",
	"sink_panic":  "package chaos",
	"swizzle":     "package chaos", "storm": "package chaos", "race": "package chaos",
}

// Children of every kind, killed and stopped again and again: every rule holds, and
// nothing is left.
func TestMisbehavingChildren(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	install := func() {
		if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700); err != nil {
			t.Error(err)
		}
	}
	install()
	var children []string
	for _, class := range chaos.Classes() {
		switch child, ok := misbehaving[class.Name]; {
		case ok:
			children = append(children, "  - "+strings.ReplaceAll(strings.ReplaceAll(child, "DIR", dir), "}, {id", "}\n  - {id"))
		case class.Use != "" && elsewhere[class.Name] == "":
			t.Errorf("no child shows %s: %s", class.Name, class.Use)
		}
	}
	file := write(t, "tree.yaml", "name: zoo\nintensity: {max: 1000, within: 1s}\nchildren:\n"+strings.Join(children, "\n"))
	plan := write(t, "plan.yaml", fmt.Sprintf(`
title: all kinds of children
seed: 7
tree: %s
method:
  - {storm: {target: "zoo/**", over: 3s, rate: 8}, at: 0s}
  - {every: 200ms..400ms, until: 3s, fault: restart, target: {path: "zoo/*"}}
`, file))
	// The program is missing for a while in the middle.
	remove := time.AfterFunc(time.Second, func() { _ = os.Remove(program) })
	defer remove.Stop()
	replace := time.AfterFunc(2*time.Second, install)
	defer replace.Stop()

	var stderr bytes.Buffer
	cmd := coppice(t, "chaos", "run", plan, "--quiet")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v\n%s%s", err, out, &stderr)
	}
	if n := bytes.Count(out, []byte(" holds ")); n != 10 {
		t.Errorf("%d invariants hold:\n%s", n, out)
	}
}

// A child that is never ready is a start that fails, and leaves nothing.
func TestNeverReady(t *testing.T) {
	r := runTree(t, `
name: shop
children:
  - {id: first, command: [sleep, "1000"]}
  - {id: never, command: [coppice, misbehave, never-ready], ready: {notify: true, timeout: 200ms}}
`)
	if status := r.wait(); status != exit.Failed {
		t.Errorf("exit status %d", status)
	}
	for _, want := range []string{"shop/never: did not start", "not ready after", "shop/first: stopping"} {
		if !strings.Contains(r.log(), want) {
			t.Errorf("the log lacks %q:\n%s", want, r.log())
		}
	}
}

// One that fails just within the period is once too often; just after it, never.
func TestFlaps(t *testing.T) {
	run := func(kind string) *liveRun {
		return runTree(t, `
name: flaps
intensity: {max: 1, within: 1s}
children:
  - {id: a, command: [coppice, misbehave, `+kind+`, --for, 1s]}
`)
	}
	under, over := run("flap-under"), run("flap-over")
	if status := under.wait(); status != exit.Exhausted {
		t.Errorf("just under: exit status %d:\n%s", status, under.log())
	}
	over.await(4, `flaps/a: started`)
	over.signal(syscall.SIGTERM)
	if status := over.wait(); status != exit.Clean {
		t.Errorf("just over: exit status %d:\n%s", status, over.log())
	}
}
