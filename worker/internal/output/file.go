package output

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"

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

	// Times has each line begin with the time at which it was read, in UTC.
	Times bool
}

const (
	mebibyte       = 1 << 20
	day            = 24 * time.Hour
	defaultMaxSize = 10 * mebibyte
	defaultKeep    = 5
	lineTime       = "2006-01-02T15:04:05.000Z "
)

// File is a log file that is rotated by size. All who open the same path in
// this process share one File, so that their lines do not mix: rotation and
// the writes of others happen between lines. Safe for concurrent use.
//
// Another process must not write to the same file.
type File struct {
	path    string
	options FileOptions

	// guarded by files.mu
	refs   int           // openers, and writes in progress
	closed chan struct{} // not nil: the last reference is gone. Closed when the file is

	mu   sync.Mutex // guards what follows
	w    io.WriteCloser
	torn bool // the file does not end with the end of a line
}

// files are the open ones. An entry goes when its last reference does.
var files = struct {
	mu   sync.Mutex
	open map[string]*File
}{open: make(map[string]*File)}

// OpenFile opens the log file at path, or the File that is open for it, and
// makes its directory if need be. A file that exists is continued. Options that
// differ from those of the open File are an error.
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
	f := files.open[path]
	for ; f != nil && f.closed != nil; f = files.open[path] {
		closed := f.closed
		files.mu.Unlock()
		<-closed // two would rotate it at the same time
		files.mu.Lock()
	}
	switch {
	case f == nil:
		f = &File{path: path, options: options}
		if err := f.open(); err != nil {
			return nil, fmt.Errorf("open log file: %w", err)
		}
		files.open[path] = f
	case f.options != options:
		return nil, fmt.Errorf("open log file %s: it is open already with other options: give all who write to it the same", path)
	}
	f.refs++
	return f, nil
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
func (f *File) open() error {
	info, err := os.Stat(f.path)
	device := err == nil && info.Mode()&fs.ModeCharDevice != 0
	if err == nil && !device && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a regular file nor a character device: name a file", f.path)
	}
	flags := os.O_RDWR | os.O_CREATE | os.O_APPEND
	if device {
		flags = os.O_WRONLY
	}
	file, err := os.OpenFile(f.path, flags, 0o640)
	if err != nil {
		return err
	}
	if device {
		f.w = file
		return nil
	}
	defer file.Close()
	if f.torn, err = endsInLine(file); err != nil {
		return err
	}
	o := f.options
	w := &timberjack.Logger{
		Filename:   f.path,
		MaxSize:    int(f.maxSize() / mebibyte),
		MaxBackups: max(0, cmp.Or(o.Keep, defaultKeep)),
		MaxAge:     int((o.MaxAge + day - 1) / day),
	}
	if o.Compress {
		w.Compression = "gzip"
	}
	f.w = w
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

// maxSize is a whole number of MiB.
func (f *File) maxSize() int64 {
	size := max(1, cmp.Or(f.options.MaxSize, defaultMaxSize))
	return (size + mebibyte - 1) / mebibyte * mebibyte
}

// Path returns the file's absolute path.
func (f *File) Path() string { return f.path }

// Close gives up one opening of the file. The last closes it and waits until
// old files are compressed or removed; a write that hangs is not waited for.
func (f *File) Close() error { return f.release() }

func (f *File) retain() {
	files.mu.Lock()
	defer files.mu.Unlock()
	f.refs++
}

func (f *File) release() error {
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
	err := f.w.Close()
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
	if head := append(m.text[:len(m.text):len(m.text)], gap...); len(head) > 0 {
		if _, err := f.put(head); err != nil {
			return false, int64(bytes.Count(block, newline)), err
		}
		m.text = nil
		m.written.Store(true)
	}
	if f.options.Times {
		block = stamped(block, time.Now())
	}
	for limit := f.maxSize(); len(block) > 0; {
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
func (f *File) put(lines []byte) (int, error) {
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
