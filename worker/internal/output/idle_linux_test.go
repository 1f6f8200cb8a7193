package output

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/coppice-go/coppice/worker/internal/poller"
)

// both is an Output with two streams, and their write ends.
func both(t *testing.T, cfg Config) (*Output, [2]*os.File) {
	t.Helper()
	o := New(cfg)
	var ends [2]*os.File
	for i, name := range []string{"stdout", "stderr"} {
		w, err := o.Pipe(name)
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = os.NewFile(uintptr(w), name)
		t.Cleanup(func() { ends[i].Close() })
	}
	return o, ends
}

// await waits for a line.
func await(t *testing.T, seen <-chan struct{}) {
	t.Helper()
	select {
	case <-seen:
	case <-time.After(patience):
		t.Fatal("the line was not seen")
	}
}

// eventually waits until a condition holds that nothing tells of.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not come to that", what)
		}
	}
}

// goroutinesMade counts those that were ever started.
func goroutinesMade() uint64 {
	sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// isOver reports whether the poller knows that a stream is at its end.
func isOver(s *stream) bool { return s.pipe.over.Load() }

// isArmed reports whether nobody reads a stream.
func isArmed(s *stream) bool {
	s.pipe.mu.Lock()
	defer s.pipe.mu.Unlock()
	return s.pipe.armed
}

// The start and the death of children with nothing to say, before Drain and in
// it, start no goroutines: what is done then delays the notice of the death.
func TestDeathStartsNoPump(t *testing.T) {
	const n = 200
	var outs [n]*Output
	var ends [n][2]*os.File
	for i := range outs {
		outs[i], ends[i] = both(t, Config{})
	}
	made := goroutinesMade()
	for i, o := range outs {
		o.Start(i)
	}
	for i, o := range outs {
		for j, w := range ends[i] {
			w.Close()
			eventually(t, "end of the stream", func() bool { return isOver(&o.streams[j]) })
		}
	}
	for _, o := range outs {
		if end := o.Drain(); end.Held || end.Tail != nil {
			t.Errorf("%+v", end)
		}
	}
	if made = goroutinesMade() - made; made > n/4 { // a few are the runtime's
		t.Errorf("%d goroutines were started for %d silent outputs", made, n)
	}
}

// What a child writes before Start, and its death, are noticed all the same.
func TestDeathBeforeStart(t *testing.T) {
	for _, text := range []string{"", "unfinished", "one\ntwo\n"} {
		o, ends := both(t, Config{})
		write(t, ends[0], text)
		ends[0].Close()
		ends[1].Close()
		eventually(t, "end of the stream", func() bool { return isOver(&o.streams[1]) })
		begin := time.Now()
		o.Start(1)
		end := o.Drain()
		if took := time.Since(begin); took > quietFor || end.Held {
			t.Errorf("after %v: %+v", took, end)
		}
		if want := map[string]int{"": 0, "unfinished": 1, "one\ntwo\n": 2}[text]; len(end.Tail) != want {
			t.Errorf("tail is %q after %q", end.Tail, text)
		}
	}
}

// An event of a pipe that is gone, whose descriptor is another's by now, is
// nobody's. A program that is just being started keeps such a pipe registered;
// here it is a duplicate that does.
func TestStaleEvent(t *testing.T) {
	reused := false
	for range 20 {
		gone, goneEnd := piped(t, Config{})
		fd := gone.streams[0].pipe.fd
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
		o, w := piped(t, Config{})
		s := &o.streams[0]
		reused = reused || s.pipe.fd == fd
		o.Start(1)

		write(t, goneEnd, "who reads this?\n")
		after, afterEnd := piped(t, Config{}) // the poller hands out events in their order
		seen := after.Watch(regexp.MustCompile("after"))
		after.Start(2)
		write(t, afterEnd, "after\n")
		await(t, seen)
		s.pipe.mu.Lock()
		if s.pipe.spent || !s.pipe.armed {
			t.Error("the event came to another pipe")
		}
		s.pipe.mu.Unlock()

		seen = o.Watch(regexp.MustCompile("mine"))
		write(t, w, "mine\n")
		await(t, seen)
		for o, w := range map[*Output]*os.File{o: w, after: afterEnd} {
			w.Close()
			if end := o.Drain(); len(end.Tail) != 1 {
				t.Errorf("tail is %q", end.Tail)
			}
		}
		unix.Close(copied)
	}
	if !reused {
		t.Error("no descriptor was used again")
	}
}

// Whoever of Drain and the poller gets a stream, its last lines are read, once.
func TestDrainRacesWithLastWords(t *testing.T) {
	const n = 500
	for i := range n {
		o, ends := both(t, Config{})
		o.Start(1)
		if i%2 == 0 { // or else the first event is the one that races
			seen := o.Watch(regexp.MustCompile("first"))
			write(t, ends[0], "first\n")
			await(t, seen)
		}
		write(t, ends[0], "last\n")
		write(t, ends[1], "error\n")
		ends[0].Close()
		ends[1].Close()
		for range i % 7 {
			runtime.Gosched()
		}
		end := o.Drain()
		slices.Sort(end.Tail)
		want := []string{"error", "first", "last"}
		if i%2 == 1 {
			want = []string{"error", "last"}
		}
		if !slices.Equal(end.Tail, want) || end.Held {
			t.Fatalf("%+v, want the lines %q", end, want)
		}
	}
}

// Drain waits for the pump that it finds, which goes on to the end. The pipe
// wakes nobody meanwhile.
func TestDrainFindsPump(t *testing.T) {
	for _, held := range []bool{false, true} {
		entered, leave := make(chan struct{}), make(chan struct{})
		enter := sync.OnceFunc(func() { close(entered) })
		o, w := piped(t, Config{Raw: func(string, []byte) { enter(); <-leave }})
		o.Start(1)
		write(t, w, "one\n")
		<-entered
		write(t, w, "two\nthree")
		p := &o.streams[0].pipe
		p.mu.Lock()
		if !p.spent {
			t.Error("a pipe that is being read waits for events")
		}
		p.mu.Unlock()
		if !held {
			w.Close()
		}
		done := make(chan End)
		go func() { done <- o.Drain() }()
		eventually(t, "Drain", func() bool { return o.until.Load() != nil })
		select {
		case <-done:
			t.Fatal("Drain returned although the stream is being read")
		case <-time.After(quietFor / 2):
		}
		close(leave)
		if end := <-done; !slices.Equal(end.Tail, []string{"one", "two", "three"}) || end.Held != held {
			t.Errorf("held %v: %+v", held, end)
		}
	}
}

// A silent stream that still owes the end of a line has it brought to both sinks
// by Drain.
func TestDrainFindsUnfinishedLine(t *testing.T) {
	j := newJournal()
	path := filepath.Join(t.TempDir(), "log")
	file := openFile(t, path, FileOptions{})
	defer file.Close()
	o, w := piped(t, Config{Logger: j, File: file, Name: "web"})
	seen := o.Watch(regexp.MustCompile("one"))
	o.Start(1)
	write(t, w, "one\ntwo")
	await(t, seen)
	s := &o.streams[0]
	eventually(t, "the stream is idle", func() bool { return isArmed(s) })
	w.Close()
	eventually(t, "end of the stream", func() bool { return isOver(s) })
	if end := o.Drain(); !slices.Equal(end.Tail, []string{"one", "two"}) {
		t.Errorf("%+v", end)
	}
	if got := j.messages(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("logged %q", got)
	}
	if lines, _ := allLines(t, path); len(lines) != 3 || !slices.Equal(lines[1:], []string{"one", "two"}) {
		t.Errorf("written %q, want the marker and two lines", lines)
	}
}

// A silent stream whose file lacks lines has it said by Drain.
func TestDrainFindsLinesMissing(t *testing.T) {
	file, err := OpenFile("/dev/full", FileOptions{})
	if err != nil {
		t.Skip(err)
	}
	defer file.Close()
	j := newJournal()
	o, ends := both(t, Config{Logger: j, File: file, FileOnly: true})
	seen := o.Watch(regexp.MustCompile("two"))
	o.Start(1)
	write(t, ends[1], "one\ntwo\n")
	await(t, seen)
	for i := range ends {
		s := &o.streams[i]
		eventually(t, "the stream is idle", func() bool { return isArmed(s) })
		ends[i].Close()
		eventually(t, "end of the stream", func() bool { return isOver(s) })
	}
	end := o.Drain()
	want := "lines of output are missing in the log file lines=2 file=/dev/full error=write /dev/full: no space left on device"
	if got := j.messages(); end.Unwritten != 2 || !slices.Contains(got, want) {
		t.Errorf("%+v; the log says %q", end, got)
	}
}

// A program that closes its stdout and lives on costs nothing, and is heard on
// its stderr.
func TestStdoutClosedByProgram(t *testing.T) {
	o, ends := both(t, Config{})
	cmd := exec.Command("sh", "-c", "echo bye; exec >&-; read go; echo still here >&2; read go")
	cmd.Stdout, cmd.Stderr = ends[0], ends[1]
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ends[0].Close()
	ends[1].Close()
	bye, still := o.Watch(regexp.MustCompile("^bye$")), o.Watch(regexp.MustCompile("^still here$"))
	o.Start(cmd.Process.Pid)
	await(t, bye)
	closed := func() bool { // by the pump, which may have been there, or as the poller saw
		s := &o.streams[0]
		return isOver(s) || !isArmed(s) && poller.Registered() == 1
	}
	eventually(t, "stdout closed", closed)
	fmt.Fprintln(in)
	await(t, still)
	in.Close()
	_ = cmd.Wait()
	if end := o.Drain(); !slices.Equal(end.Tail, []string{"bye", "still here"}) || end.Held {
		t.Errorf("%+v", end)
	}
}

// Descendants that hold both pipes are heard for a while, and then have errors.
func TestDescendantHoldsPipes(t *testing.T) {
	j := newJournal()
	o, ends := both(t, Config{Logger: j})
	o.Start(1)
	begin := time.Now()
	time.AfterFunc(quietFor/2, func() { _, _ = ends[1].WriteString("last words\n") })
	end := o.Drain()
	took := time.Since(begin)
	if took < quietFor*3/2 || took > drainFor {
		t.Errorf("Drain took %v, want %v after the last words: both streams are waited for at once", took, quietFor)
	}
	if !end.Held || !slices.Equal(end.Tail, []string{"last words"}) {
		t.Errorf("%+v", end)
	}
	warning := "output pipe closed although a descendant outside of the session still holds it"
	if got := j.messages(); !slices.Contains(got, "last words") || !slices.Contains(got, warning) {
		t.Errorf("logged %q", got)
	}
	for _, w := range ends {
		if _, err := w.WriteString("x"); err == nil {
			t.Error("the pipe is still open")
		}
	}
}

// A descendant that closes the pipes is not waited for any longer.
func TestDescendantLetsGo(t *testing.T) {
	o, ends := both(t, Config{})
	o.Start(1)
	time.AfterFunc(quietFor/10, func() {
		_, _ = ends[0].WriteString("last words")
		ends[0].Close()
		ends[1].Close()
	})
	if end := o.Drain(); end.Held || !slices.Equal(end.Tail, []string{"last words"}) {
		t.Errorf("%+v", end)
	}
}

// There is no third stream.
func TestThirdPipe(t *testing.T) {
	o, _ := both(t, Config{})
	defer o.Close()
	if _, err := o.Pipe("stdlog"); err == nil {
		t.Error("there is a third pipe")
	}
}

// Neither Drain nor Close leaves anything.
func TestNothingIsLeft(t *testing.T) {
	warm, w := piped(t, Config{}) // the poller stays
	w.Close()
	warm.Start(1)
	warm.Drain()
	fds, goroutines := openDescriptors(t), runtime.NumGoroutine()
	for i := range 50 {
		o, ends := both(t, Config{})
		if i%2 == 0 {
			o.Start(1)
			write(t, ends[0], "hello\n")
		}
		if i%4 < 2 { // or else it is held
			ends[0].Close()
		}
		ends[1].Close()
		if i%2 == 0 {
			o.Drain()
		} else {
			o.Close()
		}
		ends[0].Close()
	}
	if n := poller.Registered(); n != 0 {
		t.Errorf("%d pipes are registered", n)
	}
	if n := openDescriptors(t); n != fds {
		t.Errorf("%d descriptors are open, %d were before", n, fds)
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// Children that say nothing any more: no goroutines, threads, timers or buffers.
func TestIdleCosts(t *testing.T) {
	for _, test := range []struct {
		name string
		file bool
		most uint64
	}{
		{"log", false, 2 << 10},
		{"log and file", true, 2500},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := Config{Logger: hclog.NewNullLogger(), Delay: quietFor}
			if test.file {
				cfg.File = openFile(t, filepath.Join(t.TempDir(), "log"), FileOptions{})
				defer cfg.File.Close()
			}
			idleCosts(t, cfg, test.most)
		})
	}
}

func idleCosts(t *testing.T, cfg Config, most uint64) {
	const n = 1000
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 4*n+100 {
		t.Skipf("%d descriptors are allowed, %d are needed: %v", limit.Cur, 4*n+100, err)
	}
	warm, w := piped(t, cfg) // the poller stays, and what the file has
	w.WriteString("hello\n")
	w.Close()
	warm.Start(1)
	warm.Drain()
	re := regexp.MustCompile("hello")
	ends := make([][2]int, n)
	outs := make([]*Output, n)
	fds, before := openDescriptors(t), costNow(t)
	for i := range outs {
		o := New(cfg)
		for j, name := range []string{"stdout", "stderr"} {
			w, err := o.Pipe(name)
			if err != nil {
				t.Fatal(err)
			}
			ends[i][j] = w
		}
		o.Start(i)
		outs[i] = o
	}
	for i, o := range outs { // each has had something to say once
		seen := o.Watch(re)
		if _, err := unix.Write(ends[i][0], []byte("hello\n")); err != nil {
			t.Fatal(err)
		}
		await(t, seen)
	}
	for _, o := range outs {
		for s := range o.each {
			eventually(t, "the stream is idle", func() bool { return idle(s) })
		}
	}
	var now cost
	eventually(t, "goroutines end", func() bool { now = costNow(t); return now.goroutines <= before.goroutines })
	each := (now.bytes - before.bytes) / n
	t.Logf("%d bytes and no goroutine for each of %d idle outputs with two pipes", each, n)
	if each > most {
		t.Errorf("an idle output takes %d bytes, %d are allowed", each, most)
	}
	if now.threads > before.threads+4 {
		t.Errorf("%d threads, %d were before", now.threads, before.threads)
	}
	for i, o := range outs {
		unix.Close(ends[i][0])
		unix.Close(ends[i][1])
		o.Drain()
	}
	if now := openDescriptors(t); now > fds {
		t.Errorf("%d descriptors are open, %d were before", now, fds)
	}
}

// idle reports whether a stream is armed and has no timers.
func idle(s *stream) bool {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if s.file != nil {
		s.file.mu.Lock()
		defer s.file.mu.Unlock()
	}
	return isArmed(s) && s.log.timer == nil && (s.file == nil || s.file.timer == nil)
}

type cost struct {
	bytes               uint64 // of the heap; stacks there are for goroutines only
	goroutines, threads int
}

func costNow(t *testing.T) cost {
	t.Helper()
	runtime.GC()
	runtime.GC() // empties pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return cost{m.HeapAlloc, runtime.NumGoroutine(), len(threads)}
}
