package output

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func openFile(t *testing.T, path string, options FileOptions) *File {
	t.Helper()
	f, err := OpenFile(path, options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// allLines reads the log file at path and what was rotated, oldest first.
func allLines(t *testing.T, path string) (lines []string, files int) {
	t.Helper()
	ext := filepath.Ext(path)
	paths, err := filepath.Glob(strings.TrimSuffix(path, ext) + "-*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	for _, path := range append(paths, path) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".gz") {
			r, err := gzip.NewReader(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			t.Errorf("%s ends within a line", path)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	return lines, len(paths) + 1
}

// Two children write to the same file over several rotations, by two names of
// it: no line is lost, cut or mixed with another.
func TestSharedFileRotates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "web.log")
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	options := FileOptions{MaxSize: 1, Keep: -1} // 1 MiB
	a, b := openFile(t, path, options), openFile(t, filepath.Join(dir, "link", "sub", "web.log"), options)
	if a.shared != b.shared {
		t.Fatal("two names of a file are two Files")
	}
	const writes, perWrite = 1500, 100
	var wg sync.WaitGroup
	for c := range 2 {
		wg.Go(func() {
			o, s := started(Config{File: b, Name: fmt.Sprint("child", c)})
			for i := range writes {
				var sb strings.Builder
				for k := range perWrite {
					fmt.Fprintf(&sb, "child%d line %d\n", c, i*perWrite+k)
				}
				s.give(sb.String())
			}
			close(s.blocks)
			if end := o.Drain(); end.Unwritten != 0 {
				t.Errorf("child %d: %+v", c, end)
			}
		})
	}
	wg.Wait()
	for _, f := range []*File{a, b} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}

	lines, files := allLines(t, path)
	if files < 5 {
		t.Errorf("%d files: it did not rotate", files)
	}
	var next, markers [2]int
	for _, line := range lines {
		var c, n int
		if _, err := fmt.Sscanf(line, "child%d line %d", &c, &n); err == nil {
			if n != next[c] {
				t.Fatalf("line %d of child %d stands where %d was expected", n, c, next[c])
			}
			next[c]++
		} else if _, err := fmt.Sscanf(line, "--- child%d: incarnation 0, pid 1, 2", &c); err == nil && next[c] == 0 {
			markers[c]++
		} else {
			t.Fatalf("the file has %q", line)
		}
	}
	if next != [2]int{writes * perWrite, writes * perWrite} || markers != [2]int{1, 1} {
		t.Errorf("%d lines, %d markers", next, markers)
	}
}

// nextMillisecond is for tests that count files: those that were rotated in the
// same millisecond are kept as one.
func nextMillisecond() {
	for begin := time.Now().UnixMilli(); time.Now().UnixMilli() == begin; {
		runtime.Gosched()
	}
}

func TestFileKeepsAndCompresses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := openFile(t, path, FileOptions{MaxSize: 1 << 20, Keep: 2, Compress: true})
	line := append(bytes.Repeat([]byte("x"), 999), '\n')
	for range 10 {
		nextMillisecond()
		if _, lost, err := f.write(&marker{}, nil, bytes.Repeat(line, 700)); lost > 0 || err != nil {
			t.Fatal(lost, err)
		}
	}
	if err := f.Close(); err != nil { // waits for the compression
		t.Fatal(err)
	}
	lines, files := allLines(t, path)
	if files != 3 || len(lines) != 3*700 {
		t.Errorf("%d files with %d lines, want 3 with 700 each", files, len(lines))
	}
	if gz, _ := filepath.Glob(path + "*.gz"); len(gz) != 2 {
		t.Errorf("compressed: %q, want 2", gz)
	}
}

// A block, and a line, may be longer than the file may be.
func TestFileLongerThanItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := openFile(t, path, FileOptions{MaxSize: 1 << 20, Keep: -1})
	defer f.Close()
	line := strings.Repeat("x", 299999) + "\n"
	if _, lost, err := f.write(&marker{}, nil, []byte(strings.Repeat(line, 10))); lost != 0 || err != nil {
		t.Error(lost, err)
	}
	long := strings.Repeat("y", 1<<20) + "\n"
	if _, lost, err := f.write(&marker{}, nil, []byte(line+long+line)); lost != 2 || err == nil {
		t.Errorf("a line of more than 1 MiB: %d lines lost, error %v", lost, err)
	}
	if lines, files := allLines(t, path); len(lines) != 11 || files != 4 {
		t.Errorf("%d lines in %d files, want 11 in 4", len(lines), files)
	}
}

// A file that a killed program left in the middle of a line is continued with a
// new one.
func TestFileIsContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("one\ntw"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := openFile(t, path, FileOptions{Times: true})
	f.write(&marker{text: []byte("--- marker ---\n")}, nil, []byte("three\nfour\n"))
	f.Close()
	got, _ := os.ReadFile(path)
	want := regexp.MustCompile(`^one\ntw…\n--- marker ---\n(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ three\n)(20\S+Z four\n)$`)
	if !want.Match(got) {
		t.Errorf("the file has %q", got)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("its mode became %v", info.Mode())
	}
}

func TestOpenFileRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	f := openFile(t, path, FileOptions{})
	for name, open := range map[string]func() (*File, error){
		"a directory":       func() (*File, error) { return OpenFile(dir, FileOptions{}) },
		"below a file":      func() (*File, error) { return OpenFile(filepath.Join(path, "log"), FileOptions{}) },
		"an impossible dir": func() (*File, error) { return OpenFile("/proc/none/log", FileOptions{}) },
	} {
		if f, err := open(); err == nil {
			f.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.HasPrefix(err.Error(), "open log file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.Close()
	if len(files.open) != 0 {
		t.Errorf("%d files are left open", len(files.open))
	}
}

// Closing does not wait for a write that hangs; the write closes the file.
func TestCloseWhileWritingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := make(chan struct{})
		d := &disk{before: func() { <-back }, room: func() int { return 1 << 20 }}
		f := onDisk(d)
		o, s := started(Config{File: f})
		s.give("one\n")
		close(s.blocks)
		end := o.Drain()
		if err := f.Close(); err != nil || end.Unwritten != 1 || f.closed != nil {
			t.Errorf("Close: %v, %+v", err, end)
		}
		close(back)
		synctest.Wait()
		if f.closed == nil {
			t.Error("the file was not closed after the write")
		}
	})
}
