package strategies

import (
	"fmt"
	"math"
	"time"
)

// NoRestarts as Intensity.Max means that the first exit which needs a restart
// ends the supervisor (rule F3: OTP's intensity 0).
const NoRestarts = -1

// Intensity limits how often a supervisor restarts its children: Max restarts
// within any period of length Within are carried out, one more ends the
// supervisor (rule F1). All its children count together (rule F5).
type Intensity struct {
	Max    int           // zero: 1, as OTP; NoRestarts: none
	Within time.Duration // zero: 5 s, as OTP
}

// OrDefault returns i with defaults filled in. Its Max is the number of
// restarts allowed, 0 for NoRestarts.
func (i Intensity) OrDefault() Intensity {
	switch i.Max {
	case 0:
		i.Max = 1
	case NoRestarts:
		i.Max = 0
	}
	if i.Within == 0 {
		i.Within = 5 * time.Second
	}
	return i
}

// Window keeps the times of the latest restarts, as far back as Within. Both
// edges belong to it: a restart exactly Within ago still counts (rule F4, with
// the resolution of the clock where OTP has whole seconds). It holds at most
// Max+1 times, if nobody adds to it after a refusal. The zero Window is not usable; see [NewWindow].
type Window struct {
	intensity Intensity // with defaults filled in
	epoch     time.Time
	times     fifo[time.Duration] // since epoch: a third of a time.Time
}

// MarshalJSON writes the limits in words that tell the unit.
func (i Intensity) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"max":%d,"within_ms":%g}`, i.Max, float64(i.Within)/float64(time.Millisecond)), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Intensity) UnmarshalJSON(b []byte) error {
	var n int
	var ms float64
	if _, err := fmt.Sscanf(string(b), `{"max":%d,"within_ms":%g}`, &n, &ms); err != nil {
		return fmt.Errorf("intensity %s: %w", b, err)
	}
	*i = Intensity{Max: n, Within: time.Duration(math.Round(ms * float64(time.Millisecond)))}
	return nil
}

// NewWindow returns an empty window for the intensity i.
func NewWindow(i Intensity) Window { return Window{intensity: i.OrDefault()} }

// Intensity returns the limits, defaults filled in: Max is 0 for NoRestarts.
func (w *Window) Intensity() Intensity { return w.intensity }

// Limit sets other limits at now. The restarts that lie in the window then stay.
func (w *Window) Limit(now time.Time, i Intensity) {
	w.expire(now)
	w.intensity = i.OrDefault()
}

// Add records a restart at now and reports whether it is allowed.
func (w *Window) Add(now time.Time) bool {
	if w.epoch.IsZero() {
		w.epoch = now
	}
	w.expire(now)
	w.times.push(now.Sub(w.epoch))
	return w.times.len() <= w.intensity.Max
}

// Spent returns how many restarts lie in the window that ends now.
func (w *Window) Spent(now time.Time) int {
	w.expire(now)
	return w.times.len()
}

// Left returns how many more restarts would be allowed at now.
func (w *Window) Left(now time.Time) int { return max(0, w.intensity.Max-w.Spent(now)) }

// Refill returns when the oldest restart leaves the window; the zero time if
// the window is empty.
func (w *Window) Refill(now time.Time) time.Time {
	if w.Spent(now) == 0 {
		return time.Time{}
	}
	return w.epoch.Add(w.times.front() + w.intensity.Within + 1)
}

func (w *Window) expire(now time.Time) {
	for w.times.len() > 0 && now.Sub(w.epoch)-w.times.front() > w.intensity.Within {
		w.times.pop()
	}
}
