package misbehave

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
)

// parse reads a command line: KIND and options.
func parse(args ...string) (kind string, o *Options, given []string, err error) {
	o = NewOptions()
	o.Flags.SetOutput(&strings.Builder{})
	err = o.Flags.Parse(args[1:])
	o.Flags.Visit(func(f *flag.Flag) { given = append(given, f.Name) })
	return args[0], o, given, err
}

func TestDefaults(t *testing.T) {
	for _, k := range kinds {
		args := []string{k.name}
		if strings.Contains(k.takes, required) {
			args = append(args, "--file", "f")
		}
		_, o, given, err := parse(args...)
		if err == nil {
			err = o.complete(k, given)
		}
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
		if k.run == nil && linuxOnly[k.name] == nil && len(linuxOnly) > 0 {
			t.Errorf("%s does nothing", k.name)
		}
		if n := strings.Count(Table(), "  "+k.name+" "); n != 1 {
			t.Errorf("%s is %d times in the table", k.name, n)
		}
	}
	_, o, given, err := parse("exit", "--code", "0", "--for", "2s")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if k.name == "exit" {
			err = o.complete(k, given)
		}
	}
	if err != nil || o.Code != 0 || o.For != 2*time.Second {
		t.Errorf("what was given is overridden: %v, code %d, for %v", err, o.Code, o.For)
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"nosuch", `no kind "nosuch"`},
		{"exit --n 3", "does not take --n; it takes --code 1 --for 0s"},
		{"sleep --for 1s", "does not take --for; it takes no options of its own"},
		{"exit --code 256", "--code 256: give a number from 0 to 255"},
		{"exit --code -1", "--code -1: give"},
		{"exit --for -1s", "--for -1s: give"},
		{"exit --max 0s", "--max 0s: give"},
		{"fail-first", "give --file FILE"},
		{"fail-first --file f --times -1", "--times -1: give"},
		{"forks --n 0", "--n 0: give a number from 1 to 1000"},
		{"forks --n 1001", "--n 1001: give"},
		{"flood --line 1", "--line 1: give"},
		{"never-ready --ready", "this one is never ready"},
	} {
		kind, o, given, err := parse(strings.Fields(c.args)...)
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		err = Run(kind, o, given)
		if _, ok := errors.AsType[*exit.UsageError](err); !ok || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a usage error with %q", c.args, err, c.want)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "17": 17, "3kB": 3000, "3KiB": 3072, "50MB": 50e6, "1MiB": 1 << 20, "2GB": 2e9, "1GiB": 1 << 30,
		"": -1, "-1": -1, "kB": -1, "1.5MB": -1, "1 MB": -1, "9999999999999GB": -1, "1TB": -1,
	} {
		s := Size(-1)
		if err := s.Set(text); (err != nil) != (want < 0) || int64(s) != want {
			t.Errorf("%q: %d, %v; want %d", text, s, err, want)
		}
	}
}
