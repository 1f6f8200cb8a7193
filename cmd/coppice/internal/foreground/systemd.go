package foreground

import (
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// systemd tells the service manager how the run is, if there is one that wants
// to know (sd_notify(3)).
type systemd struct {
	send func(state string)

	mu    sync.Mutex // guards phase, and the order of what is sent
	phase phase
}

// phase is how far the run has got, as the service manager knows it. Readiness is told
// once: what restarts later is the tree's own affair.
type phase uint8

const (
	begins phase = iota
	isReady
	stops
)

// notify is the real send. Where nobody listens it does nothing; nor does it
// matter here if somebody has stopped listening.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// tell sends a state if the run is in the phase from, and goes on to the phase to.
func (s *systemd) tell(from, to phase, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == from {
		s.phase = to
		s.send(state)
	}
}

func (s *systemd) ready(status string) {
	s.tell(begins, isReady, daemon.SdNotifyReady+"\nSTATUS="+status)
}

// reloading and reloaded tell of a reload (Type=notify-reload).
func (s *systemd) reloading() {
	s.tell(isReady, isReady, daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
}

func (s *systemd) reloaded() { s.tell(isReady, isReady, daemon.SdNotifyReady) }

func (s *systemd) stopping(status string) {
	state := daemon.SdNotifyStopping
	if status != "" {
		state += "\nSTATUS=" + status
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase = stops
	s.send(state)
}

// watchdog shows twice in each interval that alive returns, if that is wanted.
// The function returned ends it.
func (s *systemd) watchdog(alive func()) (stop func()) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval <= 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(interval / 2)
		defer tick.Stop()
		for {
			alive()
			s.send(daemon.SdNotifyWatchdog)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
