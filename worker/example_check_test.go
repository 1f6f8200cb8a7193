//go:build linux

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/coppice-go/coppice/worker"
)

// silent is the context of somebody who does not want to see the output.
var silent = hclog.WithContext(context.Background(), hclog.NewNullLogger())

// starts says whether a command starts, and ends it.
func starts(cmd worker.Command) error {
	p, err := cmd.Process()
	if err != nil {
		return err
	}
	if err := p.Init(silent); err != nil {
		return err
	}
	p.Kill()
	_ = p.Serve(silent)
	return nil
}

func ExampleCheck() {
	for _, check := range []worker.Check{worker.Line("^listening"), worker.Run{"test", "-d", "/"}, worker.TCP("nowhere")} {
		cmd := worker.Shell("echo listening; sleep 1000")
		cmd.Ready = check
		fmt.Printf("%T: %v\n", check, starts(cmd) == nil)
	}
	// Output:
	// worker.Line: true
	// worker.Run: true
	// worker.TCP: false
}

func ExampleNotify() {
	cmd := worker.Command{
		Path: "/proc/self/exe", Args: []string{"tell", "READY=1\nSTATUS=at your service"}, // stands for a program that uses sd_notify(3)
		Env:   []string{"COPPICE_WORKER_TEST_ROLE=1"},
		Ready: worker.Notify{},
	}
	p, _ := cmd.Process()
	fmt.Println(p.Init(silent), p.Status())
	p.Kill()
	_ = p.Serve(silent)
	// Output: <nil> at your service
}

func ExampleTCP() {
	l, err := net.Listen("tcp", "127.0.0.1:0") // stands for the program's
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	fmt.Println(starts(worker.Command{Path: "sleep", Args: []string{"1000"}, Ready: worker.TCP(l.Addr().String())}))
	// Output: <nil>
}

func ExampleHTTP() {
	web := httptest.NewServer(http.NotFoundHandler()) // stands for the program's
	defer web.Close()
	fmt.Println(starts(worker.Command{
		Path: "sleep", Args: []string{"1000"},
		Ready: worker.HTTP{URL: web.URL + "/healthz", Status: []int{200, 404}},
	}))
	// Output: <nil>
}

func ExampleRun() {
	fmt.Println(starts(worker.Command{Path: "sleep", Args: []string{"1000"}, Ready: worker.Run{"sh", "-c", "kill -0 $MAINPID"}}))
	// Output: <nil>
}

func ExampleLine() {
	cmd := worker.Shell("echo booting; echo listening on port 8080; sleep 1000")
	cmd.Ready = worker.Line(`^listening on port \d+$`)
	fmt.Println(starts(cmd))
	// Output: <nil>
}

func ExampleNodeReady() {
	_, err := worker.Command{Path: "node", Args: []string{"api.js"}, Ready: worker.NodeReady{}}.Process()
	fmt.Println(err)
	_, err = worker.Command{Path: "node", Args: []string{"api.js"}, Ready: worker.NodeReady{}, IPC: worker.NodeIPC}.Process()
	fmt.Println(err)
	// Output:
	// worker: command "node": Ready: this needs Node's channel: set IPC to NodeIPC
	// <nil>
}

func ExampleLiveness() {
	p, _ := worker.Command{
		Path: "sleep", Args: []string{"1000"},
		Alive: worker.Liveness{Check: worker.Run{"false"}, Every: 10 * time.Millisecond, Failures: 2},
	}.Process()
	var exit *worker.ExitError
	if errors.As(p.Serve(silent), &exit) {
		fmt.Println(exit.Missed != nil, exit.Signal, exit.ExitClass())
	}
	// Output: true aborted crash
}

func ExampleWatchdogError() {
	p, _ := worker.Command{
		Path: "sleep", Args: []string{"1000"}, // it never sends WATCHDOG=1
		Alive: worker.Liveness{Check: worker.Notify{}, Every: 50 * time.Millisecond},
	}.Process()
	var missed *worker.WatchdogError
	if errors.As(p.Serve(silent), &missed) {
		fmt.Println(missed)
	}
	// Output: no WATCHDOG=1 within 50ms
}

func ExampleNotReadyError() {
	cmd := worker.Shell("echo cannot open the database; exit 3")
	cmd.Ready = worker.Line("^listening")
	var notReady *worker.NotReadyError
	if errors.As(starts(cmd), &notReady) {
		fmt.Println(notReady.OutputTail())
		fmt.Println(strings.Replace(notReady.Error(), fmt.Sprint(notReady.PID), "4711", 1))
	}
	// Output:
	// [cannot open the database]
	// ended before it was ready: /bin/sh (pid 4711): exit status 3
}

func ExampleExec() {
	r, err := worker.Exec(context.Background(), worker.Command{Path: "echo", Args: []string{"no shell: $HOME"}})
	fmt.Printf("%s%v\n", r.Stdout, err)
	// Output:
	// no shell: $HOME
	// <nil>
}

func ExampleResult() {
	r, _ := worker.Exec(context.Background(), worker.Shell("echo out; echo err >&2"))
	fmt.Printf("%q %q, %d bytes left out\n", r.Stdout, r.Stderr, r.StdoutCut+r.StderrCut)
	// Output: "out\n" "err\n", 0 bytes left out
}

func ExampleInherit() {
	os.Setenv("API_TOKEN", "secret")
	for _, i := range []worker.Inherit{worker.InheritAll, worker.InheritSafe, worker.InheritNone} {
		r, _ := worker.Exec(context.Background(), worker.Command{Path: "env", Inherit: i})
		env := string(r.Stdout)
		fmt.Println(i, strings.Contains(env, "API_TOKEN=secret"), strings.Contains(env, "PATH="))
	}
	// Output:
	// all true true
	// safe false true
	// none false false
}

func ExampleIPC() {
	p, _ := worker.Command{Path: "sleep"}.Process()
	fmt.Println(worker.NodeIPC, errors.Is(p.Send(context.Background(), "hello"), worker.ErrNoIPC))
	// Output: node true
}

func ExampleIdentity() {
	cmd := worker.Shell("umask")
	cmd.Identity = worker.Identity{Umask: new(0o027), NoNewPrivs: true}
	r, err := worker.Exec(context.Background(), cmd)
	fmt.Printf("%s%v\n", r.Stdout, err)
	// Output:
	// 0027
	// <nil>
}

func ExampleRlimit() {
	cmd := worker.Shell("ulimit -n")
	cmd.Identity.Rlimits = []worker.Rlimit{{Resource: "nofile", Soft: 100, Hard: 200}}
	r, err := worker.Exec(context.Background(), cmd)
	fmt.Printf("%s%v\n", r.Stdout, err)
	// Output:
	// 100
	// <nil>
}

func ExampleLimits() {
	// On a machine that cannot do this the error says what is missing, and what to do.
	_, err := worker.Command{Path: "sleep", Limits: worker.Limits{Memory: 512 << 20, PIDs: -1}}.Process()
	fmt.Println(err != nil)
	// Output: true
}

func ExampleFile() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	log := filepath.Join(dir, "greeter.log")
	cmd := worker.Shell("echo hello")
	cmd.File = &worker.File{Path: log, MaxSize: 10 << 20, Keep: 3}
	p, _ := cmd.Process()
	_ = p.Serve(silent)
	text, _ := os.ReadFile(log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	fmt.Println(len(lines), lines[1]) // the first tells of the incarnation
	// Output: 2 hello
}
