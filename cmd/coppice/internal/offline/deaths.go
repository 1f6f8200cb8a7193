package offline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Deaths are what a simulation lets happen. It is the value of an option that
// can be given again and again.
type Deaths []Death

// Death is that of the program at Path, some time after the tree was started.
type Death struct {
	Path string
	At   time.Duration
}

const (
	maxDeaths = 10_000
	maxTime   = 365 * 24 * time.Hour
)

// Set adds deaths as they are written: PATH@TIME, or PATH@TIME*N/EVERY for N of
// them, the first at TIME and one EVERY so long.
func (d *Deaths) Set(s string) error {
	i := strings.LastIndexByte(s, '@')
	if i < 1 {
		return errors.New("give PATH@TIME, as in shop/db@1.5s")
	}
	path, when := s[:i], s[i+1:]
	when, series, many := strings.Cut(when, "*")
	at, err := moment(when)
	if err != nil {
		return err
	}
	n, every := 1, time.Duration(0)
	if many {
		if n, every, err = repetition(series); err != nil {
			return err
		}
	}
	if len(*d)+n > maxDeaths {
		return fmt.Errorf("there are more than %d deaths", maxDeaths)
	}
	for k := range n {
		*d = append(*d, Death{path, at + time.Duration(k)*every})
	}
	return nil
}

// String is the default as the help shows it: there is none.
func (d *Deaths) String() string { return "" }

func moment(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no time: give one with its unit, as in 1.5s", s)
	case d < 0 || d > maxTime:
		return 0, fmt.Errorf("%q is no time for a death: give one from 0s to %v", s, maxTime)
	}
	return d, nil
}

func repetition(s string) (n int, every time.Duration, err error) {
	count, gap, ok := strings.Cut(s, "/")
	n, err = strconv.Atoi(count)
	switch {
	case !ok:
		return 0, 0, fmt.Errorf("*%s: say how far apart, as in *5/200ms", s)
	case err != nil || n < 1 || n > maxDeaths:
		return 0, 0, fmt.Errorf("%q is no number of deaths: give one from 1 to %d", count, maxDeaths)
	}
	every, err = time.ParseDuration(gap)
	if err != nil || every <= 0 || every > maxTime/time.Duration(n) {
		return 0, 0, fmt.Errorf("%q is no time between %s: give one with its unit, as in 200ms", gap, counted(n, "death"))
	}
	return n, every, nil
}
