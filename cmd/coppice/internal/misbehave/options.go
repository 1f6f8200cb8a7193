package misbehave

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// Options are what can be said of a kind. Make them with [NewOptions].
type Options struct {
	// Flags sets the fields below.
	Flags *flag.FlagSet

	Ready bool          // tell when it is set up
	Say   string        // a line to print at the start
	Pids  bool          // each process that is made prints "left PID"
	Max   time.Duration // all of its processes are killed after this
	Made  bool          // this process was made by another of the command

	For    time.Duration
	Code   int
	Signal string // name or number
	File   string
	Times  int
	Bytes  Size
	Line   int // bytes, its newline included
	Rate   Size
	N      int

	end time.Time // when Max has passed
}

// maxN bounds the processes that one command makes: this is no fork bomb.
const maxN = 1000

// required stands for the value of an option that has no default.
const required = "FILE"

// common are the options that every kind takes.
var common = []string{"ready", "say", "pids", "max", "made"}

// NewOptions returns options with nothing set.
func NewOptions() *Options {
	o := &Options{Flags: flag.NewFlagSet(Command, flag.ContinueOnError)}
	f := o.Flags
	f.BoolVar(&o.Ready, "ready", false, `print the line "ready" when all is set up, and send READY=1 where NOTIFY_SOCKET is set`)
	f.StringVar(&o.Say, "say", "", "print the line `TEXT` first")
	f.BoolVar(&o.Pids, "pids", false, `each process that is made prints the line "left PID"`)
	f.DurationVar(&o.Max, "max", 5*time.Minute, "`TIME` after which everything that is left is killed by the kernel")
	f.BoolVar(&o.Made, "made", false, "")
	f.DurationVar(&o.For, "for", 0, "`TIME` that it takes")
	f.IntVar(&o.Code, "code", 0, "exit `CODE`")
	f.StringVar(&o.Signal, "signal", "", "`SIGNAL`, as SIGKILL, KILL or 9")
	f.StringVar(&o.File, "file", "", "the counter `FILE`; it is made if need be")
	f.IntVar(&o.Times, "times", 0, "how many `TIMES`")
	f.Var(&o.Bytes, "bytes", "how many `BYTES`: a number, or one with kB, MB, GB, KiB, MiB, GiB")
	f.IntVar(&o.Line, "line", 0, "`LENGTH` of a line in bytes, its end included")
	f.Var(&o.Rate, "rate", "`BYTES` a second; 0: as fast as it can")
	f.IntVar(&o.N, "n", 0, fmt.Sprintf("`NUMBER` of processes, %d at most", maxN))
	return o
}

// complete sets the kind's defaults of what was not given and checks the rest.
func (o *Options) complete(k kindOf, given []string) error {
	takes := strings.Fields(k.takes)
	var names []string
	for i := 0; i < len(takes); i += 2 {
		name, value := strings.TrimPrefix(takes[i], "--"), takes[i+1]
		names = append(names, name)
		switch {
		case slices.Contains(given, name):
		case value == required:
			return exit.Usagef("misbehave %s: give --%s %s", k.name, name, value)
		default:
			if err := o.Flags.Set(name, value); err != nil {
				return fmt.Errorf("misbehave %s: default of --%s: %w", k.name, name, err)
			}
		}
	}
	for _, name := range given {
		if !slices.Contains(names, name) && !slices.Contains(common, name) {
			own := k.takes
			if own == "" {
				own = "no options of its own"
			}
			return exit.Usagef("misbehave %s: it does not take --%s; it takes %s", k.name, name, own)
		}
	}
	for _, c := range []struct {
		ok   bool
		name string
		want string
	}{
		{o.For >= 0, "for", "a time that is not negative, as 3s"},
		{o.Max > 0, "max", "a time greater than 0, as 5m"},
		{o.Code >= 0 && o.Code <= 255, "code", "a number from 0 to 255"},
		{o.Times >= 0, "times", "a number that is not negative"},
		{!slices.Contains(names, "line") || o.Line >= 2 && o.Line <= 1<<20, "line", "a number of bytes from 2 to 1048576"},
		{!slices.Contains(names, "n") || o.N >= 1 && o.N <= maxN, "n", fmt.Sprintf("a number from 1 to %d", maxN)},
		{!o.Ready || k.name != "never-ready", "ready", "another kind: this one is never ready"},
	} {
		if !c.ok {
			return exit.Usagef("misbehave %s: --%s %s: give %s", k.name, c.name, o.Flags.Lookup(c.name).Value, c.want)
		}
	}
	return nil
}

// Size is a number of bytes that can be written with a unit.
type Size int64

var units = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"", 1}}

// Set implements [flag.Value].
func (s *Size) Set(text string) error {
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || n > 1<<62/u.bytes {
			return fmt.Errorf("it is no size: give a number of bytes, or one with kB, MB, GB, KiB, MiB or GiB")
		}
		*s = Size(n * u.bytes)
		return nil
	}
	panic("unreachable: every text ends with the empty suffix")
}

func (s *Size) String() string { return strconv.FormatInt(int64(*s), 10) }
