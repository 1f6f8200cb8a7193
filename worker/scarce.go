package worker

import (
	"context"
	"errors"
	"syscall"
	"time"
)

const (
	defaultSpawnLimit = 30 * time.Second
	minSpawnPause     = 10 * time.Millisecond
	maxSpawnPause     = time.Second
)

// spawnAgain tries to start the program for as long as the machine lacks what it
// takes, which err says at first: that says nothing about the program, and a
// restart by its supervisor would find the machine as it is.
func (p *Process) spawnAgain(ctx context.Context, err error) (child, error) {
	until := time.Now().Add(p.cmd.SpawnLimit)
	told := false
	for pause := minSpawnPause; scarce(err) && time.Now().Add(pause).Before(until); pause = min(2*pause, maxSpawnPause) {
		if !told {
			p.log.Warn("waiting for the machine to have room for the program", "error", err, "within", p.cmd.SpawnLimit)
			told = true
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		if err := p.interrupted(ctx); err != nil {
			return nil, err
		}
		var c child
		if c, err = spawn(ctx, p); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// scarce reports whether an error of a spawn is about the machine rather than
// the program.
func scarce(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.ENOMEM, syscall.ENOSPC} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
