package misbehave

import (
	"os"
	"runtime"
	"time"
)

func exitWith(o *Options) error { return flap(o, o.For) }

func panics(o *Options) error {
	if err := o.settled(); err != nil {
		return err
	}
	time.Sleep(o.For)
	panic("misbehave: told to panic")
}

func busy(o *Options) error {
	if err := o.settled(); err != nil {
		return err
	}
	for i := uint64(1); i != 0; i++ { // for some hundred years
	}
	return nil
}

// outOfMemory writes to each page, because the kernel gives memory when it is
// written to, and keeps it all.
func outOfMemory(o *Options) error {
	if err := beFirstVictim(); err != nil {
		return err
	}
	const chunk = 1 << 20
	var held [][]byte
	pace := newPace(o.Rate)
	for got := int64(0); got < int64(o.Bytes); got += chunk {
		b := make([]byte, chunk)
		for i := 0; i < chunk; i += os.Getpagesize() {
			b[i] = 1
		}
		held = append(held, b)
		pace.wait(chunk)
	}
	err := o.settleAndLinger()
	runtime.KeepAlive(held)
	return err
}
