package output

import (
	"cmp"
	"io"
	"math"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	mebibyte       = 1 << 20
	day            = 24 * time.Hour
	defaultMaxSize = 10 * mebibyte
	defaultKeep    = 5
)

// rotation is what options say of the file as a whole, in the units in which it
// is done. Options that come to the same are the same here.
type rotation struct {
	mebibytes int64
	keep      int // 0: all
	days      int // 0: for ever
	compress  bool
}

func (o FileOptions) rotation() rotation {
	size := min(max(1, cmp.Or(o.MaxSize, defaultMaxSize)), math.MaxInt64-mebibyte)
	return rotation{
		mebibytes: (size + mebibyte - 1) / mebibyte,
		keep:      max(0, cmp.Or(o.Keep, defaultKeep)),
		days:      int((o.MaxAge + day - 1) / day),
		compress:  o.Compress,
	}
}

// limit is the size at which the file is rotated, in bytes.
func (r rotation) limit() int64 { return r.mebibytes * mebibyte }

func (r rotation) writer(path string) io.WriteCloser {
	w := &timberjack.Logger{Filename: path, MaxSize: int(r.mebibytes), MaxBackups: r.keep, MaxAge: r.days}
	if r.compress {
		w.Compression = "gzip"
	}
	return w
}

// turn has the file rotated as who opened it last wants it. A writer cannot be
// changed, and two at a time would compress and remove the same old files: the
// one there is is closed, which waits until it is done with them, and then the
// next takes its place. Until then a closed writer still writes, without
// rotation, and so nobody waits. The error is that of closing.
func (f *shared) turn() error {
	wanted := f.wanted.Load()
	if f.retired == nil {
		if *wanted == f.rotation || f.device {
			return nil
		}
		f.retired = make(chan error, 1)
		go func(w io.Closer, done chan<- error) { done <- w.Close() }(f.w, f.retired)
	}
	select {
	case err := <-f.retired:
		f.retired, f.rotation, f.w = nil, *wanted, wanted.writer(f.path)
		return err
	default:
		return nil
	}
}

// closeWriter is called when nobody writes any more.
func (f *shared) closeWriter() error {
	if f.retired != nil {
		return <-f.retired
	}
	return f.w.Close()
}
