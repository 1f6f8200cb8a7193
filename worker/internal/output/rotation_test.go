package output

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// Who opens a file last says how it is rotated, for all who have it.
func TestLatestToOpenSaysHowItIsRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := openFile(t, path, FileOptions{MaxSize: 3 << 20, Keep: -1})
	block := bytes.Repeat(append(bytes.Repeat([]byte("x"), 1023), '\n'), 1<<10) // 1 MiB
	for range 7 {
		mustWrite(t, f, block)
	}
	if lines, files := allLines(t, path); files != 3 || len(lines) != 7<<10 {
		t.Fatalf("%d files with %d lines, want 3 with all", files, len(lines))
	}
	other := openFile(t, path, FileOptions{MaxSize: 1 << 20, Keep: 1, Compress: true})
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, []byte("line\n"))
	if f.retired != nil { // the next write is to find the writer closed
		f.retired <- <-f.retired
	}
	for range 3 {
		nextMillisecond()
		mustWrite(t, f, block)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if lines, files := allLines(t, path); files != 2 || len(lines) != 2<<10 {
		t.Errorf("%d files with %d lines, want 2 of 1 MiB each", files, len(lines))
	}
	if gz, _ := filepath.Glob(path + "*.gz"); len(gz) != 1 {
		t.Errorf("compressed: %q, want 1", gz)
	}
}

func mustWrite(t *testing.T, f *File, block []byte) {
	t.Helper()
	if _, lost, err := f.write(&marker{}, nil, block); lost > 0 || err != nil {
		t.Fatal(lost, err)
	}
}

// However often it changes, no line is lost and none is out of order, and the
// changes do not end with the last line.
func TestRotationChangesWhileOthersWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	all := []FileOptions{
		{MaxSize: 1 << 20, Keep: -1}, {MaxSize: 2 << 20, Keep: -1}, {MaxSize: 1 << 20, Keep: -1, Compress: true}, {MaxSize: 3 << 20, Keep: 1 << 20},
	}
	rest := strings.Repeat("and what makes it longer ", 20)
	var writers, opener sync.WaitGroup
	const blocks, perBlock = 200, 20
	for c := range 3 {
		f := openFile(t, path, all[0])
		writers.Go(func() {
			for i := range blocks {
				var b bytes.Buffer
				for k := range perBlock {
					fmt.Fprintf(&b, "child%d line %d, %s\n", c, i*perBlock+k, rest)
				}
				if _, lost, err := f.write(&marker{}, nil, b.Bytes()); lost > 0 || err != nil {
					t.Error(lost, err)
				}
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	done := make(chan struct{})
	opener.Go(func() {
		f := openFile(t, path, all[0])
		for i := 0; ; i++ {
			next, err := OpenFile(path, all[i%len(all)])
			if err != nil {
				t.Error(err)
				return
			}
			f.Close()
			f = next
			select {
			case <-done:
				f.Close()
				return
			default:
			}
		}
	})
	writers.Wait()
	close(done)
	opener.Wait()

	lines, rotated := allLines(t, path)
	var next [3]int
	for _, line := range lines {
		var c, n int
		if _, err := fmt.Sscanf(line, "child%d line %d,", &c, &n); err != nil || n != next[c] {
			t.Fatalf("%q stands where line %v was expected", line, next)
		}
		next[c]++
	}
	if want := [3]int{blocks * perBlock, blocks * perBlock, blocks * perBlock}; next != want {
		t.Errorf("%d lines, want %d, in %d files", next, want, rotated)
	}
	if len(files.open) != 0 {
		t.Errorf("%d files are left open", len(files.open))
	}
}

// slowly is a writer whose Close takes until back is closed, as one does that
// compresses a large file.
type slowly struct {
	io.WriteCloser
	back chan struct{}
}

func (s slowly) Close() error { <-s.back; return nil }

// Nobody who writes waits for a change, and the last to close the file does.
func TestChangeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		d := &disk{before: func() {}, room: func() int { return 1 << 20 }}
		f := onDisk(d)
		f.w = slowly{d, back}
		f.wanted.Store(&rotation{mebibytes: 1})
		mustWrite(t, f, []byte("one\n"))
		mustWrite(t, f, []byte("two\n"))
		if got := d.lines(); len(got) != 2 {
			t.Errorf("the file has %q", got)
		}
		closed := make(chan error, 1)
		go func() { closed <- f.Close() }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("the file was closed before its writer")
		default:
		}
		close(back)
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// Times are of who opens the file.
func TestTimesAreOfAnOpening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	with, without := openFile(t, path, FileOptions{Times: true}), openFile(t, path, FileOptions{})
	mustWrite(t, with, []byte("one\n"))
	mustWrite(t, without, []byte("two\n"))
	mustWrite(t, with, []byte("three\n"))
	with.Close()
	without.Close()
	got, err := os.ReadFile(path)
	if err != nil || !regexp.MustCompile(`^20\S+Z one\ntwo\n20\S+Z three\n$`).Match(got) {
		t.Errorf("the file has %q, %v", got, err)
	}
}

// A terminal, or /dev/null, is not opened anew.
func TestDeviceHasNoRotation(t *testing.T) {
	a, b := openFile(t, os.DevNull, FileOptions{}), openFile(t, os.DevNull, FileOptions{Keep: 1})
	mustWrite(t, a, []byte("one\n"))
	if b.retired != nil {
		t.Error("its writer was closed")
	}
	a.Close()
	b.Close()
}

// What is as large as can be said is never reached.
func TestLargestFile(t *testing.T) {
	f := openFile(t, filepath.Join(t.TempDir(), "log"), FileOptions{MaxSize: math.MaxInt64})
	defer f.Close()
	mustWrite(t, f, []byte(strings.Repeat("line\n", 3)))
}
