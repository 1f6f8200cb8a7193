//go:build unix

package failpoint

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// A program is done term by term, each as often as it says, the last for ever.
func TestTerms(t *testing.T) {
	for text, want := range map[string]string{
		"off":                          "- - - -",
		"error(EMFILE)":                "EMFILE EMFILE EMFILE EMFILE",
		"2*error(EMFILE)->off":         "EMFILE EMFILE - -",
		"2*error(EMFILE)":              "EMFILE EMFILE - -",
		"1*off->1*error(12)->off":      "- ENOMEM - -",
		" 1*error(EAGAIN) -> 1*off":    "EAGAIN - - -",
		"100%error(EIO)->off":          "EIO EIO EIO EIO",
		"1*error(EIO)->error(ENOSPC)":  "EIO ENOSPC ENOSPC ENOSPC",
		"1*delay(1h)->error(ETXTBSY)":  "- ETXTBSY ETXTBSY ETXTBSY",
		"3*off->1*error(ENOENT)->off ": "- - - ENOENT",
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &Point{name: "test"}
			if err := Set(p, text); err != nil {
				t.Fatal(err)
			}
			var got []string
			begin := time.Now()
			for range 4 {
				s := "-"
				if err := p.Fail(); err != nil {
					s = unix.ErrnoName(err.(syscall.Errno))
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("%s: %s, want %s", text, s, want)
			}
			if d := time.Since(begin); (d == time.Hour) != strings.Contains(text, "delay") {
				t.Errorf("%s took %v", text, d)
			}
			Clear(p)
			if err := p.Fail(); err != nil {
				t.Errorf("%s: %v after Clear", text, err)
			}
		})
	}
}

// By chance something happens sometimes, and else what comes next.
func TestChance(t *testing.T) {
	p := &Point{name: "test"}
	if err := Set(p, "25%error(EIO)->off"); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range 10_000 {
		if p.Fail() != nil {
			n++
		}
	}
	if n < 2000 || n > 3000 {
		t.Errorf("%d of 10000 failed, want about a quarter", n)
	}
}

func TestPanic(t *testing.T) {
	p := &Point{name: "test"}
	if err := Set(p, "panic(no more)"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if v := fmt.Sprint(recover()); v != "failpoint: no more" {
			t.Errorf("panic %q", v)
		}
	}()
	_ = p.Fail()
}

func TestWrongPrograms(t *testing.T) {
	p := &Point{name: "test"}
	if err := Set(p, "error(EIO)"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "on", "error", "error(EWHAT)", "error(0)", "error(EIO", "0*off", "x*off", "0%off", "101%off", "delay(5)", "delay()", "off(1)", "off->"} {
		err := Set(p, text)
		if err == nil || !strings.HasPrefix(err.Error(), "failpoint test: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if !errors.Is(p.Fail(), unix.EIO) {
		t.Error("a wrong program has replaced the right one")
	}
	for list, want := range map[string]string{"spwan=off": "the points are exec, log_write, spawn", "spawn": "failpoint spawn", "spawn=off;exec=on": "failpoint exec"} {
		if err := setAll(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", list, err)
		}
	}
	if err := setAll(" spawn = 1*error(EMFILE) ; "); err != nil || Find("spawn").Fail() == nil {
		t.Errorf("the point was not set: %v", err)
	}
	Clear(Spawn)
}

func ExampleSet() {
	if err := Set(Spawn, "1*error(EMFILE)->off"); err != nil {
		panic(err)
	}
	defer Clear(Spawn)
	fmt.Println(Spawn.Fail())
	fmt.Println(Spawn.Fail())
	// Output:
	// too many open files
	// <nil>
}
