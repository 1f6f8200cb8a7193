package main

import (
	"io"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Colours and a width are for terminals; the lines of a tree are as the locale
// has them.
func TestLookFor(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer terminal.Close()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 91}); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		w                   io.Writer
		noColor, term, lang string

		color, ascii bool
		width        int
	}{
		{terminal, "", "xterm", "C.UTF-8", true, false, 91},
		{terminal, "1", "xterm", "C.UTF-8", false, false, 91},
		{terminal, "", "dumb", "C", false, true, 91},
		{file, "", "xterm", "C.UTF-8", false, false, 0},
		{io.Discard, "", "xterm", "C", false, true, 0},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		t.Setenv("TERM", c.term)
		t.Setenv("LC_ALL", c.lang)
		if l := lookFor(c.w); l.Color != c.color || l.ASCII != c.ascii || l.Width != c.width || l.Now.IsZero() {
			t.Errorf("%+v: %+v", c, l)
		}
	}
}
