package output

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/DeRuina/timberjack"
	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// 200 MB of lines of 100 bytes, written by another process in writes of 4 KiB,
// as stdio does, or one by one.
const floodSize = 200e6

func BenchmarkFlood(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("writes=%d/file", size), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "log")
			file, err := OpenFile(path, FileOptions{MaxSize: 64 << 20, Keep: 2})
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			benchFlood(b, size, Config{File: file, FileOnly: true, Logger: hclog.NewNullLogger()})
		})
		b.Run(fmt.Sprintf("writes=%d/null-logger", size), func(b *testing.B) {
			benchFlood(b, size, Config{Logger: hclog.NewNullLogger()})
		})
		b.Run(fmt.Sprintf("writes=%d/os-exec-into-timberjack", size), func(b *testing.B) {
			w := &timberjack.Logger{Filename: filepath.Join(b.TempDir(), "log"), MaxSize: 64, MaxBackups: 2}
			defer w.Close()
			defer reportCPU(b)()
			for b.Loop() {
				cmd := floodCommand(size)
				cmd.Stdout = w
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchFlood(b *testing.B, size int, cfg Config) {
	defer reportCPU(b)()
	for b.Loop() {
		o := New(cfg)
		w, err := o.Pipe("stdout")
		if err != nil {
			b.Fatal(err)
		}
		cmd := floodCommand(size)
		child := os.NewFile(uintptr(w), "pipe")
		cmd.Stdout = child
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		child.Close()
		o.Start(cmd.Process.Pid)
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
		if end := o.Drain(); end.Unlogged+end.Unwritten > 0 || len(end.Tail) != 10 {
			b.Fatalf("%+v", end)
		}
	}
}

// floodCommand is the test binary in the role of a child.
func floodCommand(write int) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", "flood", fmt.Sprint(int(floodSize)), fmt.Sprint(write), "100")
	cmd.Env = append(os.Environ(), roleVar+"=1")
	return cmd
}

// reportCPU reports what reading and writing took of processor time in this
// process and in the child. Other load on the machine changes that less than it
// does the duration.
func reportCPU(b *testing.B) func() {
	b.SetBytes(floodSize)
	used := func(who int) float64 {
		var u unix.Rusage
		_ = unix.Getrusage(who, &u)
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
	}
	self, child := used(unix.RUSAGE_SELF), used(unix.RUSAGE_CHILDREN)
	return func() {
		b.ReportMetric((used(unix.RUSAGE_SELF)-self)/float64(b.N), "cpu-ms/op")
		b.ReportMetric((used(unix.RUSAGE_CHILDREN)-child)/float64(b.N), "child-cpu-ms/op")
	}
}
