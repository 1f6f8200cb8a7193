package worker

import (
	"context"
	"time"
)

// stop asks the program to end: by what comes first, if there is something, and
// then by the signal. It returns when there is nothing left to be asked.
func (p *Process) stop() {
	p.mu.Lock()
	p.asked = true
	p.dog.stop()
	log := p.log
	p.mu.Unlock()
	if p.cmd.StopMessage || p.cmd.StopCommand != nil {
		ctx, cancel := context.WithTimeout(p.alive, p.cmd.StopWait)
		defer cancel()
		if p.cmd.StopMessage {
			if err := p.Send(ctx, "shutdown"); err != nil && ctx.Err() == nil {
				log.Warn("the message to stop was not sent", "error", err)
			}
		}
		if p.cmd.StopCommand != nil {
			if err := p.run(p.cmd.StopCommand)(ctx); err != nil && ctx.Err() == nil {
				log.Warn("the command to stop failed", "error", err)
			}
		}
		<-ctx.Done()
		if p.alive.Err() != nil {
			return // it ended without a signal
		}
	}
	p.sendStop()
}

// sendStop sends the signal.
func (p *Process) sendStop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped && p.child.stop(p.cmd.StopSignal) == nil {
		p.sent = p.cmd.StopSignal
	}
}

const defaultStopWait = 1600 * time.Millisecond
