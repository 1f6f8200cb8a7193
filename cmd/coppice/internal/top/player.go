package top

import "time"

// playTick is how often the time of a recording that plays goes on.
const playTick = 100 * time.Millisecond

// How fast a recording may be played.
const (
	slowest = 1.0 / 16
	fastest = 256.0
)

// player is where a recording is.
type player struct {
	*Recording
	at      int       // events so far
	clock   time.Time // the time there
	playing bool
	speed   float64
	last    time.Time // when the clock was set; zero: not since it plays
}

// tick lets the time go on. It returns how many events are reached.
func (p *player) tick(now time.Time) int {
	if !p.playing {
		return p.at
	}
	if !p.last.IsZero() {
		p.clock = p.clock.Add(time.Duration(float64(now.Sub(p.last)) * p.speed))
	}
	p.last = now
	to := p.at
	for to < len(p.Events) && !p.Events[to].Time.After(p.clock) {
		to++
	}
	if p.playing = to < len(p.Events); !p.playing && to > 0 {
		p.clock = p.Events[to-1].Time // nothing is known of later
	}
	return to
}

// toggle plays or pauses; at the end it plays from the beginning again. It
// returns how many events are to be reached.
func (p *player) toggle() int {
	p.playing, p.last = !p.playing, time.Time{}
	if p.playing && p.at == len(p.Events) {
		p.clock = p.Snapshot.Time
		return 0
	}
	return p.at
}

// step goes an event forward or back, and pauses.
func (p *player) step(back bool) int {
	to := p.at + 1
	if back {
		to = p.at - 1
	}
	to = max(0, min(to, len(p.Events)))
	p.playing, p.clock = false, p.Snapshot.Time
	if to > 0 {
		p.clock = p.Events[to-1].Time
	}
	return to
}

// faster multiplies the speed.
func (p *player) faster(by float64) { p.speed = max(slowest, min(p.speed*by, fastest)) }
