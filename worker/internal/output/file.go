package output

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-go/coppice/worker/failpoint"
)

// FileOptions describe a log file. What is zero has its default.
type FileOptions struct {
	// MaxSize is how large the file grows before it is rotated, in bytes; it
	// is rounded up to whole MiB. 10 MiB if zero.
	MaxSize int64

	// Keep is how many rotated files are kept; 5 if zero, all if negative.
	Keep int

	// MaxAge is how long a rotated file is kept, rounded up to whole days; for
	// ever if zero.
	MaxAge time.Duration

	// Compress has rotated files compressed by gzip.
	Compress bool

	// Times has each line that is written by this opening begin with the time
	// at which it was read, in UTC. Others who share the file need not.
	Times bool
}

const lineTime = "2006-01-02T15:04:05.000Z "

// File is one opening of a log file that is rotated by size. All who open the
// same path in this process share the file, so that their lines do not mix:
// rotation and the writes of others happen between lines. Safe for concurrent
// use.
//
// Another process must not write to the same file.
type File struct {
	*shared
	times bool
}

// shared is an open file, which all of its openings have in common.
type shared struct {
	path   string
	device bool // it is never rotated

	// wanted is how who opened it last wants it rotated.
	wanted atomic.Pointer[rotation]

	// guarded by files.mu
	refs   int           // openings, and writes in progress
	closed chan struct{} // not nil: the last reference is gone. Closed when the file is

	mu       sync.Mutex // guards what follows
	w        io.WriteCloser
	rotation rotation   // that of w
	retired  chan error // not nil: w is being closed, and makes room for one as wanted
	torn     bool       // the file does not end with the end of a line
}

// files are the open ones. An entry goes when its last reference does.
var files = struct {
	mu   sync.Mutex
	open map[string]*shared
}{open: make(map[string]*shared)}

// OpenFile opens the log file at path, shares it with those who have it open,
// and makes its directory if need be. A file that exists is continued. The
// latest to open it says how it is rotated, from the next line on.
//
// A character device (/dev/null, a terminal) is written to and never rotated;
// what is neither that nor a regular file is refused.
func OpenFile(path string, options FileOptions) (*File, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("open log file: %w", err)
	}
	files.mu.Lock()
	defer files.mu.Unlock()
	r := options.rotation()
	f := files.open[path]
	for ; f != nil && f.closed != nil; f = files.open[path] {
		closed := f.closed
		files.mu.Unlock()
		<-closed // two would rotate it at the same time
		files.mu.Lock()
	}
	if f == nil {
		f = &shared{path: path, rotation: r}
		if err := f.open(); err != nil {
			return nil, fmt.Errorf("open log file: %w", err)
		}
		files.open[path] = f
	}
	f.wanted.Store(&r)
	f.refs++
	return &File{shared: f, times: options.Times}, nil
}

// resolve is the one name of the file that path names.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		return filepath.Join(dir, filepath.Base(path)), err
	}
	return real, err
}

// open is tried here so that a path that cannot be written to is an error at
// once; and it finds out how the file ends.
func (f *shared) open() error {
	info, err := os.Stat(f.path)
	f.device = err == nil && info.Mode()&fs.ModeCharDevice != 0
	if err == nil && !f.device && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a regular file nor a character device: name a file", f.path)
	}
	flags := os.O_RDWR | os.O_CREATE | os.O_APPEND
	if f.device {
		flags = os.O_WRONLY
	}
	file, err := os.OpenFile(f.path, flags, 0o640)
	if err != nil {
		return err
	}
	if f.device {
		f.w = file
		return nil
	}
	defer file.Close()
	if f.torn, err = endsInLine(file); err != nil {
		return err
	}
	f.w = f.rotation.writer(f.path)
	return nil
}

func endsInLine(file *os.File) (bool, error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := file.ReadAt(last[:], size-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// Path returns the file's absolute path.
func (f *shared) Path() string { return f.path }

// Close gives up one opening of the file. The last closes it and waits until
// old files are compressed or removed; a write that hangs is not waited for.
func (f *shared) Close() error { return f.release() }

func (f *shared) retain() {
	files.mu.Lock()
	defer files.mu.Unlock()
	f.refs++
}

func (f *shared) release() error {
	files.mu.Lock()
	f.refs--
	last := f.refs == 0
	if last {
		f.closed = make(chan struct{})
	}
	files.mu.Unlock()
	if !last {
		return nil
	}
	err := f.closeWriter()
	files.mu.Lock()
	delete(files.open, f.path)
	files.mu.Unlock()
	close(f.closed)
	if err != nil {
		return fmt.Errorf("close log file: %w", err)
	}
	return nil
}

// write appends the marker, if that is still to be written, the gap, a line
// which tells of missing lines, and then block, lines of output. It returns
// whether gap was written and how many lines of block were not.
func (f *File) write(m *marker, gap, block []byte) (told bool, lost int64, err error) {
	f.retain()
	defer f.release()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.turn(); err != nil {
		return false, int64(bytes.Count(block, newline)), err
	}
	if head := append(m.text[:len(m.text):len(m.text)], gap...); len(head) > 0 {
		if _, err := f.put(head); err != nil {
			return false, int64(bytes.Count(block, newline)), err
		}
		m.text = nil
		m.written.Store(true)
	}
	if f.times {
		block = stamped(block, time.Now())
	}
	for limit := f.rotation.limit(); len(block) > 0; {
		part := block
		if int64(len(part)) > limit {
			// A single line that is longer is refused by the writer.
			part = part[:max(bytes.LastIndexByte(part[:limit], '\n'), bytes.IndexByte(part, '\n'))+1]
		}
		n, err := f.put(part)
		if err != nil {
			return true, int64(bytes.Count(block[n:], newline)), err
		}
		block = block[len(part):]
	}
	return true, 0, nil
}

var newline = []byte{'\n'}

// put writes whole lines. If the file took only a part, because the disk is
// full for instance, the next to be written ends the line that was cut.
func (f *shared) put(lines []byte) (int, error) {
	if f.torn {
		if _, err := f.w.Write([]byte(cutMark + "\n")); err != nil {
			return 0, err
		}
		f.torn = false
	}
	if err := failpoint.LogWrite.Fail(); err != nil {
		return 0, err
	}
	n, err := f.w.Write(lines)
	if n > 0 {
		f.torn = lines[n-1] != '\n'
	}
	return n, err
}

// stamped puts the time before each line.
func stamped(block []byte, now time.Time) []byte {
	stamp := now.UTC().Format(lineTime)
	to := make([]byte, 0, len(block)+bytes.Count(block, newline)*len(stamp))
	for line := range bytes.Lines(block) {
		to = append(append(to, stamp...), line...)
	}
	return to
}
