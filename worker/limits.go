package worker

import (
	"errors"
	"fmt"
	"time"
)

// Limits bound what a program and all its descendants may use together. They
// need cgroup v2 with the controllers of the same names, handed down to this
// process: Command.Process fails where they are missing, and says what to do. A
// zero is no limit.
type Limits struct {
	Memory int64   // bytes, swap not counted; see ExitError.OOM
	CPU    float64 // cores, 0.01 or more
	PIDs   int     // processes and threads
}

// File is a log file for a program's output, rotated by size. Children that name
// the same file share it, and are to say the same about its rotation, which is
// MaxSize, Keep, MaxAge and Compress: the latest to open it says how it is rotated,
// for all of them and from the next line on. None is lost by a change. Times and Log
// are each child's own.
type File struct {
	Path     string
	MaxSize  int64         // bytes, rounded up to MiB, at which it is rotated; 10 MiB if zero
	Keep     int           // rotated files that are kept; 5 if zero, all if negative
	MaxAge   time.Duration // of those that are kept, rounded up to days; for ever if zero
	Compress bool          // rotated files, by gzip
	Times    bool          // each line begins with the time at which it was read, in UTC
	Log      bool          // the lines go to the logger as well
}

func (f *File) validate() error {
	switch {
	case f == nil:
		return nil
	case f.Path == "":
		return errors.New("File.Path is empty: name the file")
	case f.MaxSize < 0:
		return fmt.Errorf("File.MaxSize is %d: it must not be negative", f.MaxSize)
	case f.MaxAge < 0:
		return fmt.Errorf("File.MaxAge is %v: it must not be negative", f.MaxAge)
	}
	return nil
}
