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
	once sync.Once // readiness is told once: what restarts later is the tree's own affair
}

// notify is the real send. Where nobody listens it does nothing; nor does it
// matter here if somebody has stopped listening.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

func (s *systemd) ready(status string) {
	s.once.Do(func() { s.send(daemon.SdNotifyReady + "\nSTATUS=" + status) })
}

// reloading and reloaded tell of a reload (Type=notify-reload).
func (s *systemd) reloading() {
	s.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

func (s *systemd) reloaded() { s.send(daemon.SdNotifyReady) }

func (s *systemd) stopping(status string) {
	state := daemon.SdNotifyStopping
	if status != "" {
		state += "\nSTATUS=" + status
	}
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
