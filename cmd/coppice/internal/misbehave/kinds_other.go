//go:build !linux

package misbehave

import (
	"os"
	"time"
)

var linuxOnly map[string]func(*Options) error

// endAfter makes the process end by itself.
func endAfter(d time.Duration) error {
	time.AfterFunc(d, func() { os.Exit(1) })
	return nil
}

func beFirstVictim() error { return nil }
