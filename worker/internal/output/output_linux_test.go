package output

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"
)

// patience bounds every wait for something that ought to happen at once.
const patience = 20 * time.Second

// piped is an Output with one stream, and the write end of that.
func piped(t *testing.T, cfg Config) (*Output, *os.File) {
	t.Helper()
	o := New(cfg)
	w, err := o.Pipe("stdout")
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(w), "write end")
	t.Cleanup(func() { file.Close() })
	return o, file
}

func write(t *testing.T, w *os.File, text string) {
	t.Helper()
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// The streams of a real child, which is a shell.
func TestChild(t *testing.T) {
	j := newJournal()
	o := New(Config{Logger: j, TailLines: 3})
	cmd := exec.Command("sh", "-c", "echo one; echo two >&2; printf three; printf 'ERROR: four' >&2")
	for name, to := range map[string]*io.Writer{"stdout": &cmd.Stdout, "stderr": &cmd.Stderr} {
		w, err := o.Pipe(name)
		if err != nil {
			t.Fatal(err)
		}
		*to = os.NewFile(uintptr(w), name)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd.Stdout.(*os.File).Close()
	cmd.Stderr.(*os.File).Close()
	o.Start(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	end := o.Drain()
	if took := time.Since(begin); took > quietFor {
		t.Errorf("Drain took %v although nobody holds the pipes", took)
	}
	got := j.all()
	slices.Sort(got)
	want := []string{"error: ERROR: four", "info: one", "info: three", "info: two"}
	if !slices.Equal(got, want) || len(end.Tail) != 3 || end.Held {
		t.Errorf("logged %q, %+v", got, end)
	}
}

func TestClose(t *testing.T) {
	o, w := piped(t, Config{})
	o.Close()
	if _, err := w.WriteString("x"); err == nil {
		t.Error("the pipe is still open")
	}
}

func TestWatch(t *testing.T) {
	o, w := piped(t, Config{})
	one, never := o.Watch(regexp.MustCompile("^ready (on|at) port")), o.Watch(regexp.MustCompile("never"))
	again := o.Watch(regexp.MustCompile("ready"))
	o.Start(1)
	write(t, w, "starting\nrea")
	write(t, w, "dy on port 80\n")
	for _, c := range []<-chan struct{}{one, again} {
		select {
		case <-c:
		case <-time.After(patience):
			t.Fatal("the line was not seen")
		}
	}
	late := o.Watch(regexp.MustCompile("last"))
	write(t, w, "last") // no newline
	w.Close()
	o.Drain()
	select {
	case <-late:
	default:
		t.Error("the last line was not seen")
	}
	select {
	case <-never:
		t.Error("matched what was never written")
	default:
	}
}

// All that was written before the death is read, however slow the logger and
// although somebody holds the pipe and goes on writing.
func TestTailIsComplete(t *testing.T) {
	slow := make(chan struct{})
	j := newJournal()
	j.before = func() { <-slow }
	o, w := piped(t, Config{Logger: j, TailLines: 1 << 20})
	o.Start(1)
	write(t, w, numbered(0, 5000)) // fits in the pipe
	o.mu.Lock()                    // the pump cannot go on before the descendant writes
	done := make(chan End)
	go func() { done <- o.Drain() }()
	stop := make(chan struct{})
	flooding := make(chan struct{})
	go func() { // the descendant
		defer close(flooding)
		for i := 5000; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := w.WriteString(numbered(i, i+1)); err != nil {
				return // EPIPE: the Output is done with it
			}
		}
	}()
	o.mu.Unlock()
	var end End
	select {
	case end = <-done:
	case <-time.After(patience):
		t.Fatal("Drain does not return while the pipe is written to")
	}
	close(stop)
	<-flooding
	close(slow)
	if !end.Held {
		t.Error("the pipe was held and Drain does not say so")
	}
	if _, upTo := account(t, end.Tail, "-"); upTo < 5000 {
		t.Errorf("%d lines were read, 5000 were written before", upTo)
	}
	if int(end.Unlogged) != len(end.Tail) {
		t.Errorf("%d lines were read, none was logged, and Drain says %d were not", len(end.Tail), end.Unlogged)
	}
	awaitGoroutines(t, "logSink")
}

// awaitGoroutines waits until none has name in its stack.
func awaitGoroutines(t *testing.T, name string) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	for deadline := time.Now().Add(patience); bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte(name)); {
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left:\n%s", stacks)
		}
		time.Sleep(time.Millisecond)
	}
}

// 50 MB without a newline, and 50 MB of lines: all of it arrives, and the memory
// that it takes is bounded.
func TestFlood(t *testing.T) {
	const size = 50_000_000
	for _, length := range []int{100, size} {
		t.Run(fmt.Sprint("lines of ", length), func(t *testing.T) {
			j := &counter{Logger: hclog.NewNullLogger()}
			path := filepath.Join(t.TempDir(), "log")
			file := openFile(t, path, FileOptions{MaxSize: 100 << 20})
			defer file.Close()
			o, w := piped(t, Config{Logger: j, File: file})
			cmd := exec.Command("/proc/self/exe", "flood", fmt.Sprint(size), "16000", fmt.Sprint(length))
			cmd.Env = append(os.Environ(), roleVar+"=1", "GORACE=atexit_sleep_ms=0")
			cmd.Stdout = w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			o.Start(cmd.Process.Pid)
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			end := o.Drain()
			want := (size + min(length, defaultMaxLine) - 1) / min(length, defaultMaxLine)
			if int64(j.lines)+end.Unlogged != int64(want) || end.Unwritten != 0 {
				t.Errorf("%d lines, %+v, want %d", j.lines, end, want)
			}
			if j.most > 64<<20 {
				t.Errorf("the heap grew to %d MB", j.most>>20)
			}
			if lines := countLines(t, path); lines != want+1 {
				t.Errorf("%d lines in the file, want %d and the marker", lines, want)
			}
		})
	}
}

func countLines(t *testing.T, path string) (n int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r, b := bufio.NewReader(f), make([]byte, 32<<10); ; {
		got, err := r.Read(b)
		n += bytes.Count(b[:got], newline)
		if err != nil {
			return n
		}
	}
}

// counter counts lines of output, and looks at the memory at times.
type counter struct {
	hclog.Logger
	lines int
	most  uint64
}

func (c *counter) Log(level hclog.Level, msg string, _ ...any) {
	if level == hclog.Warn {
		return // about the output
	}
	if c.lines++; c.lines%5000 == 0 || len(msg) > 1000 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.most = max(c.most, m.HeapAlloc)
	}
}

// A full disk does not stop the child.
func TestFullDisk(t *testing.T) {
	file, err := OpenFile("/dev/full", FileOptions{})
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	j := newJournal()
	o, w := piped(t, Config{Logger: j, File: file, Name: "web"})
	o.Start(1)
	for i := range 1000 {
		write(t, w, numbered(i*100, i*100+100))
	}
	w.Close()
	end := o.Drain()
	if end.Unwritten != 100_000 || end.Unlogged != 0 {
		t.Errorf("%+v, want 100000 lines that were not written", end)
	}
	if _, upTo := account(t, j.messages(), droppedInLog); upTo != 100_000 {
		t.Errorf("%d lines were logged", upTo)
	}
	said := "lines of output are missing in the log file lines=100000 file=/dev/full error=write /dev/full: no space left on device"
	if last := j.messages()[len(j.all())-1]; last != said {
		t.Errorf("the log ends with %q, want %q", last, said)
	}
}

// A file system that is full and then is not: what the file has and what it says
// is missing add up, over a rotation that fails.
func TestDiskFillsUp(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("cannot mount a small file system: ", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "web.log")
	file := openFile(t, path, FileOptions{MaxSize: 4 << 20})
	defer file.Close()
	o, w := piped(t, Config{File: file, Name: "web"})
	seen := o.Watch(regexp.MustCompile("^line 119999$"))
	o.Start(1)
	write(t, w, numbered(0, 120_000)) // 1.3 MB
	select {
	case <-seen:
	case <-time.After(patience):
		t.Fatal("a full disk stops the child")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	write(t, w, numbered(120_000, 120_100))
	w.Close()
	end := o.Drain()
	lines, _ := allLines(t, path)
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasSuffix(line, cutMark) })
	said, upTo := account(t, lines, missingInFile)
	if int64(said) != end.Unwritten || said == 0 || upTo != 120_100 {
		t.Errorf("%d lines are accounted for, %d said to be missing, %+v", upTo, said, end)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

// A stream that is always busy gets a larger pipe, one that is not does not; and
// not more than a few.
func TestBusyPipesAreEnlarged(t *testing.T) {
	size := func(w *os.File) (size int) {
		conn, err := w.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Control(func(fd uintptr) { size, err = unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0) }); err != nil {
			t.Fatal(err)
		}
		return size
	}
	text := numbered(0, 3000)
	ordinary := 0
	var outs []*Output
	var ends []*os.File
	for range maxEnlarged + 2 {
		o, w := piped(t, Config{})
		seen := o.Watch(regexp.MustCompile("^the end$"))
		o.Start(1)
		ordinary = size(w)
		// The test is over when it was busy long enough; reads may be slow on a
		// loaded machine, so that it is not busy for a while.
		for deadline := time.Now().Add(patience); size(w) == ordinary && len(outs) < maxEnlarged; {
			if time.Now().After(deadline) {
				t.Skipf("a pipe of %d bytes was not enlarged: this user has too many pipes, or the machine is very slow", ordinary)
			}
			write(t, w, text)
		}
		if len(outs) >= maxEnlarged {
			for range 200 {
				write(t, w, text)
			}
			if size(w) != ordinary {
				t.Errorf("pipe %d was enlarged too", len(outs))
			}
		} else if size(w) != largePipe {
			t.Errorf("a pipe has %d bytes, want %d", size(w), largePipe)
		}
		write(t, w, "the end\n")
		<-seen
		outs, ends = append(outs, o), append(ends, w)
	}
	for i, o := range outs {
		ends[i].Close()
		o.Drain()
	}
	if n := enlarged.Load(); n != 0 {
		t.Errorf("%d enlarged pipes are left", n)
	}
}
