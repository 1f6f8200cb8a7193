package chaos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one fault with its argument, as it is written in a plan: "kill",
// "signal(TERM)", "hang(2s)". It is made by [ParseFault]; values are comparable.
type Fault struct {
	Class string // its name in the table that [Classes] returns
	Arg   string // "" if the class takes none
}

func (f Fault) String() string {
	if f.Arg == "" {
		return f.Class
	}
	return f.Class + "(" + f.Arg + ")"
}

// MarshalText writes what String does.
func (f Fault) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is [ParseFault].
func (f *Fault) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFault(string(text))
	return err
}

// ParseFault reads a fault. An argument that was left out gets its default. The
// error says what there is.
func ParseFault(s string) (Fault, error) {
	name, rest, argued := strings.Cut(s, "(")
	c := classOf(name)
	switch {
	case c == nil:
		return Fault{}, fmt.Errorf("there is no fault %q; there are %s", name, strings.Join(faultNames(), ", "))
	case c.do == nil:
		return Fault{}, fmt.Errorf("%s is nothing that a plan can do to a tree: %s", name, c.Use)
	}
	f := Fault{Class: name, Arg: c.Default}
	if argued {
		arg, closed := strings.CutSuffix(rest, ")")
		switch {
		case !closed:
			return Fault{}, fmt.Errorf("%q has no closing parenthesis", s)
		case c.arg == noArg:
			return Fault{}, fmt.Errorf("%s takes no argument", name)
		}
		f.Arg = arg
	}
	arg, err := c.arg.check(f.Arg)
	if err != nil {
		return Fault{}, fmt.Errorf("%s(%s): %w", name, f.Arg, err)
	}
	f.Arg = arg
	return f, nil
}

// duration is the argument of a fault whose argument is one.
func (f Fault) duration() time.Duration {
	d, _ := time.ParseDuration(f.Arg) // ParseFault has seen it
	return d
}

// number is the argument of a fault whose argument is one.
func (f Fault) number() int {
	n, _ := strconv.Atoi(f.Arg) // ParseFault has seen it
	return n
}

func (f Fault) class() *Class { return classOf(f.Class) }

// argument is what a class of faults takes in parentheses.
type argument uint8

const (
	noArg argument = iota
	durationArg
	signalArg
	codeArg
	countArg
	textArg
)

// check returns the argument in its normal form.
func (a argument) check(s string) (string, error) {
	switch a {
	case durationArg:
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return "", fmt.Errorf("give a duration, as in 500ms or 2s")
		}
		return d.String(), nil
	case signalArg:
		name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
		if _, ok := signalNumber(name); !ok {
			return "", fmt.Errorf("give the name of a signal, as in TERM or SIGTERM")
		}
		return name, nil
	case codeArg:
		if n, err := strconv.Atoi(s); err != nil || n < 0 || n > 255 {
			return "", fmt.Errorf("give an exit code, from 0 to 255")
		}
	case countArg:
		if n, err := strconv.Atoi(s); err != nil || n < 1 || n > 1000 {
			return "", fmt.Errorf("give a number, from 1 to 1000")
		}
	case textArg:
		if strings.ContainsAny(s, "()\n") {
			return "", fmt.Errorf("give a text without parentheses")
		}
	}
	return s, nil
}

func classOf(name string) *Class {
	i := slices.IndexFunc(classes, func(c Class) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &classes[i]
}

// faultNames are those that a plan can name as a fault.
func faultNames() []string {
	var names []string
	for _, c := range classes {
		if c.do != nil {
			names = append(names, c.Name)
		}
	}
	return names
}
