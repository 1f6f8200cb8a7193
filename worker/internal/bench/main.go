// Bench is a supervisor of processes and nothing else, to be measured from
// outside by a driver that knows how supervisors of many makes are started: it
// keeps every command of a file running until SIGTERM, restarts without limit
// and without delay, and says nothing.
//
//	go build -o bench ./worker/internal/bench
//	bench [-parallel N] [-log DIR] COMMANDS
//
// COMMANDS has one command on each line, its words separated by blanks: the
// path of a program and its arguments. With -log the output of child N goes to
// DIR/N.log, rotated at 32 MiB.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/worker"
	"github.com/coppice-go/coppice/worker/internal/sigchld"
)

func main() {
	parallel := flag.Int("parallel", 0, "starts and stops under way at once; 0: one after the other, as OTP does it")
	logs := flag.String("log", "", "directory for the output; none: it is read and forgotten")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "bench: give the file of the commands")
		os.Exit(2)
	}
	sigchld.Unhandle()
	debug.SetGCPercent(50) // it is there to be small, and makes little garbage
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := supervise(ctx, flag.Arg(0), *logs, *parallel)
	worker.CloseIdle()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// supervise runs the commands of a file until ctx is cancelled.
func supervise(ctx context.Context, file, logs string, parallel int) error {
	commands, err := read(file)
	if err != nil {
		return err
	}
	s, err := spec(commands, logs, parallel)
	if err != nil {
		return err
	}
	root, err := tree.New("bench", s)
	if err != nil {
		return err
	}
	if err = root.Init(ctx); err == nil {
		debug.FreeOSMemory() // what the start has left
		err = root.Serve(ctx)
	}
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	return nil
}

// spec has one child for each command.
func spec(commands [][]string, logs string, parallel int) (tree.Spec, error) {
	s := tree.Spec{
		Intensity: strategies.Intensity{Max: math.MaxInt, Within: time.Millisecond},
		Parallel:  parallel,
	}
	for i, c := range commands {
		cmd := worker.Command{Path: c[0], Args: c[1:]}
		if logs != "" {
			cmd.File = &worker.File{Path: fmt.Sprintf("%s/%d.log", logs, i), MaxSize: 32 << 20, Keep: -1}
		}
		make, err := cmd.Prepare()
		if err != nil {
			return s, err
		}
		s.Children = append(s.Children, tree.Child{ID: fmt.Sprint(i), Start: tree.Of(make)})
	}
	return s, nil
}

func read(file string) (commands [][]string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 0 {
			commands = append(commands, words)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if commands == nil {
		return nil, fmt.Errorf("%s: there is no command in it: write one on each line", file)
	}
	return commands, nil
}
