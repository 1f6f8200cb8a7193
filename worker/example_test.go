//go:build linux

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/worker"
	"github.com/hashicorp/go-hclog"
)

func ExampleCommand() {
	cmd := worker.Command{
		Path: "sh",
		Args: []string{"-c", "echo hello from $NAME"},
		Env:  []string{"NAME=the shell"},
	}
	p, err := cmd.Process()
	if err != nil {
		fmt.Println(err)
		return
	}
	log := hclog.New(&hclog.LoggerOptions{Name: "shop/greeter", Output: os.Stdout, DisableTime: true, Exclude: hclogNoFields})
	fmt.Println("ended:", p.Serve(hclog.WithContext(context.Background(), log)))
	// Output:
	// hello from the shell
	// ended: <nil>
}

// hclogNoFields prints the bare line, as the pid differs from run to run.
func hclogNoFields(_ hclog.Level, msg string, _ ...any) bool {
	fmt.Println(msg)
	return true
}

func ExampleProcess() {
	p, _ := worker.Command{Path: "sleep", Args: []string{"1000"}}.Process()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := p.Init(ctx); err != nil { // it runs when Init returns
		fmt.Println(err)
		return
	}
	deadline := time.AfterFunc(5*time.Second, p.Kill) // which a supervisor would have set
	defer deadline.Stop()
	stop()
	err := p.Serve(ctx)
	fmt.Println(strings.Replace(err.Error(), fmt.Sprint(p.PID()), "4711", 1))
	// Output: sleep (pid 4711): killed by SIGTERM
}

func ExampleExitError() {
	p, _ := worker.Command{Path: "sh", Args: []string{"-c", "echo no disk >&2; exit 3"}}.Process()
	err := p.Serve(hclog.WithContext(context.Background(), hclog.NewNullLogger()))
	var exit *worker.ExitError
	if errors.As(err, &exit) {
		fmt.Println(exit.Code, exit.Tail, exit.ExitClass() == strategies.Crash)
	}
	// Output: 3 [no disk] true
}

func ExampleUsage() {
	p, _ := worker.Command{Path: "sh", Args: []string{"-c", "exit 1"}}.Process()
	var exit *worker.ExitError
	if errors.As(p.Serve(context.Background()), &exit) {
		fmt.Println(exit.Usage.User+exit.Usage.System > 0, exit.Usage.MaxRSS > 0)
	}
	// Output: true true
}

func ExampleSpawnError() {
	p, _ := worker.Command{Path: "./run.sh", Dir: "/no/such/place"}.Process()
	err := p.Init(context.Background())
	var spawn *worker.SpawnError
	fmt.Println(errors.As(err, &spawn), errors.Is(err, os.ErrNotExist))
	fmt.Println(err)
	// Output:
	// true true
	// cannot start ./run.sh: its working directory /no/such/place does not exist: create it, or correct Dir (no such file or directory)
}

func ExampleSurvivorsError() {
	err := fmt.Errorf("db: %w", &worker.SurvivorsError{Pids: []int{4711, 4712}})
	var s *worker.SurvivorsError
	if errors.As(err, &s) {
		fmt.Println("look at", s.Pids)
	}
	fmt.Println(err)
	// Output:
	// look at [4711 4712]
	// db: 2 processes of its session survived SIGKILL: pid 4711, 4712
}
