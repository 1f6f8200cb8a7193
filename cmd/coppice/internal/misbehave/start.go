package misbehave

import (
	"fmt"
	"io"
	"os"
	"time"
)

func slow(o *Options) error {
	time.Sleep(o.For)
	o.Ready = true
	return o.settleAndLinger()
}

func failFirst(o *Options) error {
	n, err := count(o.File)
	if err != nil {
		return err
	}
	if n <= int64(o.Times) {
		os.Exit(o.Code)
	}
	return o.settleAndLinger()
}

// count adds one to the counter and returns what it is then. The counter is the
// length of the file, and no lock is needed: O_APPEND makes moving to the end
// and writing one step, which leaves the offset behind the byte that this
// process wrote (write(2)).
func count(path string) (int64, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return 0, fmt.Errorf("open the counter: %w", err)
	}
	defer f.Close()
	if _, err := f.WriteString("."); err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return f.Seek(0, io.SeekCurrent)
}

func flapUnder(o *Options) error { return flap(o, o.For-o.For/20) }
func flapOver(o *Options) error  { return flap(o, o.For+o.For/20) }

func flap(o *Options, life time.Duration) error {
	if err := o.settled(); err != nil {
		return err
	}
	time.Sleep(life)
	os.Exit(o.Code)
	return nil
}
