package output

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

// journal is a logger that keeps what it is told, and takes its time as before
// says.
type journal struct {
	hclog.Logger
	before func()

	mu    sync.Mutex
	lines []string
}

func newJournal() *journal { return &journal{Logger: hclog.NewNullLogger(), before: func() {}} }

func (j *journal) Log(level hclog.Level, msg string, args ...any) {
	line := fmt.Sprintf("%v: %s", level, msg)
	for i := 0; i < len(args); i += 2 {
		if args[i] != "pid" && args[i] != "stream" {
			line += fmt.Sprintf(" %v=%v", args[i], args[i+1])
		}
	}
	j.before()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// messages are the lines without their level.
func (j *journal) messages() (lines []string) {
	for _, line := range j.all() {
		_, line, _ = strings.Cut(line, ": ")
		lines = append(lines, line)
	}
	return lines
}

// script is a source that the test feeds: give waits until the pump takes it,
// as a write to a full pipe does. It is being read all the time.
type script struct {
	stream *stream
	blocks chan string
	quiet  chan time.Time
	cut    bool
}

func (s *script) give(block string) { s.blocks <- block }

func (s *script) start() {
	s.stream.out.pumps.Add(1)
	go s.stream.pump(reading)
}

func (s *script) read() (*buffer, error) {
	var quiet <-chan time.Time
	for {
		select {
		case block, ok := <-s.blocks:
			if !ok {
				return nil, io.EOF
			}
			buf := borrow(false)
			buf.filled(copy(buf.space(), block))
			return buf, nil
		case at := <-s.quiet:
			quiet = time.After(time.Until(at))
		case <-quiet:
			s.cut = true
			return nil, io.EOF
		}
	}
}

func (s *script) wait() (*buffer, error) { panic("read did") }

func (s *script) take() bool {
	s.quiet <- time.Now().Add(quietFor)
	return false
}

func (s *script) held() bool { return s.cut }
func (s *script) close()     {}

// started is an Output that reads a script.
func started(cfg Config) (*Output, *script) {
	o := New(cfg)
	s := &script{stream: o.add("stdout"), blocks: make(chan string), quiet: make(chan time.Time, 1)}
	s.stream.source = s
	o.Start(1)
	return o, s
}

// numbered are the lines with the numbers from to to-1.
func numbered(from, to int) string {
	var sb strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&sb, "line %d\n", i)
	}
	return sb.String()
}

const (
	droppedInLog  = "lines of output were dropped: the log was too slow lines=%d"
	missingInFile = "--- %d lines of output are missing here"
)

// account goes through what a sink got of numbered lines: each is there once
// and in its place, or is one of those that are said to be missing in this
// place. It returns how many that are, and up to where there is an account.
func account(t *testing.T, got []string, missing string) (said, upTo int) {
	t.Helper()
	for _, line := range got {
		var n int
		if _, err := fmt.Sscanf(line, missing, &n); err == nil {
			upTo += n
			said += n
			continue
		}
		if _, err := fmt.Sscanf(line, "line %d", &n); err != nil {
			continue // about something else
		}
		if n != upTo {
			t.Fatalf("line %d stands where line %d was expected:\n%s", n, upTo, strings.Join(got, "\n"))
		}
		upTo++
	}
	return said, upTo
}

func TestLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		o, s := started(Config{Logger: j, Fields: []any{"child", "web"}})
		s.give("hello\n[WARN] hm\n{\"level\":\"error\",\"msg\":\"no\",\"child\":\"evil\"}\n{\"a\":1}\n")
		s.give("panic: oops\n\ngoroutine 1 [running]:\n{\"level\":\"info\",\"msg\":\"mine\"}\nmain.main()\n")
		close(s.blocks)
		o.Drain()
		want := []string{
			"info: hello child=web",
			"warn: [WARN] hm child=web",
			"error: no child=evil child=web",
			"info: {\"a\":1} child=web",
			"error: panic: oops child=web",
			"error:  child=web",
			"error: goroutine 1 [running]: child=web",
			"info: mine child=web",
			"error: main.main() child=web",
		}
		if got := j.all(); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A call that hangs holds up the child for Delay and no longer. When it has
// come back, the log gets lines again and is told how many it missed.
func TestLoggerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		hang := sync.OnceFunc(func() { time.Sleep(10 * time.Second) })
		j.before = hang
		o, s := started(Config{Logger: j, Delay: 2 * time.Second})
		ready := o.Watch(regexp.MustCompile("^line 50$"))
		begin := time.Now()
		s.give(numbered(0, 3))
		for i := 3; i < 100; i++ {
			s.give(numbered(i, i+1))
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("the child was held up for %v, want 2s", took)
		}
		select {
		case <-ready:
		default:
			t.Error("line 50 was not seen by its regular expression")
		}
		time.Sleep(9 * time.Second)
		want := []string{"line 0", "line 1", "line 2", fmt.Sprintf(droppedInLog, 97)}
		if got := j.messages(); !slices.Equal(got, want) {
			t.Errorf("after the logger came back: %q, want %q", got, want)
		}
		s.give(numbered(100, 102))
		close(s.blocks)
		end := o.Drain()
		if said, upTo := account(t, j.messages(), droppedInLog); said != 97 || upTo != 102 || end.Unlogged != 97 {
			t.Errorf("%d lines are said to be dropped, %d are accounted for, %+v", said, upTo, end)
		}
	})
}

// A logger that never comes back holds up neither the child nor Drain.
func TestLoggerHangsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		back := make(chan struct{})
		j.before = func() { <-back }
		o, s := started(Config{Logger: j})
		for i := range 100 {
			s.give(numbered(i, i+1))
		}
		close(s.blocks)
		begin := time.Now()
		end := o.Drain()
		if took := time.Since(begin); took > drainFor+2*quietFor {
			t.Errorf("Drain took %v", took)
		}
		if end.Unlogged != 100 || len(end.Tail) != 10 || end.Tail[9] != "line 99" {
			t.Errorf("%+v, want 100 lines that were not logged, and the last 10", end)
		}
		close(back) // it does after all
		synctest.Wait()
		if said, upTo := account(t, j.messages(), droppedInLog); said != 99 || upTo != 100 {
			t.Errorf("%d lines are said to be dropped, want all but the first", said)
		}
	})
}

// After the child's death a call may not take the Delay that was allowed before.
func TestDrainIsBoundedWhateverTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		pause := time.Duration(0)
		j.before = func() { time.Sleep(pause) }
		o, s := started(Config{Logger: j, Delay: time.Hour})
		s.give(numbered(0, 1)) // starts the timer
		synctest.Wait()
		pause = 10 * time.Second
		go func() { // a call that begins after the death
			time.Sleep(quietFor / 2)
			s.give(numbered(1, 3))
			close(s.blocks)
		}()
		begin := time.Now()
		end := o.Drain()
		if took := time.Since(begin); took > drainFor+2*quietFor {
			t.Errorf("Drain took %v", took)
		}
		if end.Unlogged != 2 {
			t.Errorf("%+v, want 2 lines that were not logged", end)
		}
		time.Sleep(time.Minute)
		if said, upTo := account(t, j.messages(), droppedInLog); said != 1 || upTo != 3 {
			t.Errorf("%d lines are said to be dropped, %d are accounted for", said, upTo)
		}
	})
}

// Of a flood, a logger that is merely slow gets what it can take, and the child
// is held up once.
func TestSlowLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		j.before = func() { time.Sleep(20 * time.Millisecond) }
		o, s := started(Config{Logger: j})
		begin, n, longest := time.Now(), 0, time.Duration(0)
		for time.Since(begin) < 20*time.Second {
			wrote := time.Now()
			s.give(numbered(n, n+100))
			longest = max(longest, time.Since(wrote))
			n += 100
			time.Sleep(10 * time.Millisecond)
		}
		if longest > defaultDelay {
			t.Errorf("a write took %v", longest)
		}
		killed := time.Now()
		end := o.Drain() // a descendant holds the pipe
		if took := time.Since(killed); took > drainFor+2*quietFor {
			t.Errorf("Drain took %v", took)
		}
		if !end.Held {
			t.Error("the pipe is still open and Drain does not say so")
		}
		said, upTo := account(t, j.messages(), droppedInLog)
		if upTo != n || int64(said) != end.Unlogged || n-said < 500 {
			t.Errorf("of %d lines %d are accounted for, %d are said to be dropped, %+v", n, upTo, said, end)
		}
	})
}

// disk is a file that takes its time and is full at times.
type disk struct {
	before func()
	room   func() int

	mu   sync.Mutex
	data []byte
}

func (d *disk) Write(b []byte) (int, error) {
	d.before()
	n := min(len(b), d.room())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.data = append(d.data, b[:n]...)
	if n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (d *disk) Close() error { return nil }

// lines returns the whole lines, without those that were torn.
func (d *disk) lines() (lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for line := range bytes.Lines(d.data) {
		if text, ok := strings.CutSuffix(string(line), "\n"); ok && !strings.HasSuffix(text, cutMark) {
			lines = append(lines, text)
		}
	}
	return lines
}

// onDisk is a File that is a disk.
func onDisk(d *disk) *File {
	r := FileOptions{}.rotation()
	s := &shared{path: "log", w: d, rotation: r, refs: 1}
	s.wanted.Store(&r)
	return &File{shared: s}
}

// A file that hangs holds up neither the child nor what goes to the log.
func TestFileHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		d := &disk{before: func() { <-back }, room: func() int { return 1 << 30 }}
		j := newJournal()
		o, s := started(Config{Logger: j, File: onDisk(d), Name: "web", Incarnation: 3})
		begin := time.Now()
		for i := range 100 {
			s.give(numbered(i, i+1))
		}
		synctest.Wait()
		if took := time.Since(begin); took != defaultDelay {
			t.Errorf("the child was held up for %v, want %v", took, defaultDelay)
		}
		if _, upTo := account(t, j.messages(), droppedInLog); upTo != 100 {
			t.Errorf("%d lines came to the log", upTo)
		}
		close(back)
		synctest.Wait()
		s.give(numbered(100, 110))
		close(s.blocks)
		end := o.Drain()
		said, upTo := account(t, d.lines(), missingInFile)
		if said != 100 || upTo != 110 || end.Unwritten != 100 {
			t.Errorf("%d lines are said to be missing, %d are accounted for, %+v", said, upTo, end)
		}
		if first := d.lines()[0]; !strings.HasPrefix(first, "--- web: incarnation 3, pid 1, 20") {
			t.Errorf("the file begins with %q", first)
		}
		for _, say := range []string{
			"the log file takes no lines of output: they are dropped until it does file=log error=writing was too slow",
			"lines of output are missing in the log file lines=100 file=log error=writing was too slow",
		} {
			if !slices.Contains(j.messages(), say) {
				t.Errorf("the log does not say %q:\n%s", say, strings.Join(j.messages(), "\n"))
			}
		}
	})
}

// A disk that stays full is said once, with the number of lines in the end.
func TestFileStaysFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := 1 << 10
		d := &disk{before: func() {}}
		d.room = func() int { r := room; room = 0; return r }
		j := newJournal()
		o, s := started(Config{Logger: j, File: onDisk(d), FileOnly: true})
		for i := range 100 {
			s.give(numbered(i*10, i*10+10))
		}
		close(s.blocks)
		end := o.Drain()
		if len(j.all()) != 2 || j.all()[0] != "warn: the log file takes no lines of output: they are dropped until it does file=log error=no space left on device" ||
			j.all()[1] != fmt.Sprintf("warn: lines of output are missing in the log file lines=%d file=log error=no space left on device", end.Unwritten) {
			t.Errorf("%+v; the log says\n%s", end, strings.Join(j.all(), "\n"))
		}
		if _, upTo := account(t, d.lines(), missingInFile); int64(1000-upTo) != end.Unwritten {
			t.Errorf("%d lines are in the file, %+v", upTo, end)
		}
	})
}

// Whatever the pace of child, logger and disk: no line is lost without being
// counted, none comes twice or out of order, and what is dropped is said where
// it is missing.
func TestEveryLineIsAccountedFor(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			script, sinks := rand.New(rand.NewPCG(seed, 0)), &lockedRand{rnd: rand.New(rand.NewPCG(seed, 1))}
			pause := func(n int) {
				if n%20 == 0 {
					time.Sleep(time.Duration(n) * time.Millisecond)
				}
			}
			j := newJournal()
			j.before = func() { pause(sinks.IntN(3000)) }
			d := &disk{
				before: func() { pause(sinks.IntN(3000)) },
				room: func() int {
					if sinks.IntN(4) == 0 {
						return sinks.IntN(60)
					}
					return 1 << 20
				},
			}
			o, s := started(Config{Logger: j, File: onDisk(d), Name: "web"})
			n := 0
			for range script.IntN(200) {
				more := script.IntN(20)
				s.give(numbered(n, n+more))
				n += more
				pause(script.IntN(2000))
			}
			if script.IntN(2) == 0 {
				close(s.blocks)
			}
			end := o.Drain()
			log, file := &o.streams[0].log.gate, &o.streams[0].file.gate
			logLate, fileLate := late(log), late(file)
			time.Sleep(time.Hour) // all calls come back
			synctest.Wait()

			said, upTo := account(t, j.messages(), droppedInLog)
			if upTo != n || int64(said) > end.Unlogged || !logLate && int64(said) != end.Unlogged {
				t.Errorf("seed %d: of %d lines %d are accounted for in the log, %d said to be dropped, late %v, %+v", seed, n, upTo, said, logLate, end)
			}
			// What is missing at the end of the file only the log says.
			said, upTo = account(t, d.lines(), missingInFile)
			missing := int64(said + n - upTo)
			if missing > end.Unwritten || !fileLate && missing != end.Unwritten {
				t.Errorf("seed %d: of %d lines %d are accounted for in the file, %d said to be missing, late %v, %+v", seed, n, upTo, said, fileLate, end)
			}
			if n > upTo && !fileLate && !logLate && !saysMissing(j, n-upTo) {
				t.Errorf("seed %d: the log does not say that the last %d lines are missing in the file:\n%s", seed, n-upTo, strings.Join(j.messages(), "\n"))
			}
		})
	}
}

// saysMissing looks for what the log says about the last lines of a file. If the
// file hung at the end of the stream, what it had in hand then was counted too.
func saysMissing(j *journal, n int) bool {
	return slices.ContainsFunc(j.messages(), func(line string) bool {
		said := 0
		_, err := fmt.Sscanf(line, "lines of output are missing in the log file lines=%d ", &said)
		return err == nil && (said == n || said > n && strings.HasSuffix(line, errSlow.Error()))
	})
}

func late(g *gate) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.behind != nil
}

type lockedRand struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func (l *lockedRand) IntN(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rnd.IntN(n)
}
