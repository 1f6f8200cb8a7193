package misbehave

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// pace keeps a stream at its rate, measured from its beginning.
type pace struct {
	rate  Size
	begin time.Time
	sent  int64
}

func newPace(rate Size) *pace { return &pace{rate: rate, begin: time.Now()} }

// wait returns when n bytes more may have been sent.
func (p *pace) wait(n int) {
	if p.rate == 0 {
		return
	}
	p.sent += int64(n)
	due := time.Duration(float64(p.sent) / float64(p.rate) * float64(time.Second))
	time.Sleep(time.Until(p.begin.Add(due)))
}

// chunk is how much is written at once: a tenth of a second's worth, 64 KiB at most.
func (o *Options) chunk() int {
	const most = 64 << 10
	if o.Rate == 0 {
		return most
	}
	return int(min(most, max(1, o.Rate/10)))
}

// write writes what next makes until it was --bytes, and exits.
func (o *Options) write(next func(size int) []byte) error {
	if err := o.settled(); err != nil {
		return err
	}
	pace := newPace(o.Rate)
	for left := int64(o.Bytes); left > 0 || o.Bytes == 0; {
		b := next(o.chunk())
		if o.Bytes != 0 {
			b = b[:min(int64(len(b)), left)]
		}
		if _, err := os.Stdout.Write(b); err != nil {
			return err
		}
		left -= int64(len(b))
		pace.wait(len(b))
	}
	os.Exit(o.Code)
	return nil
}

// flood writes whole lines, each with its number in as many digits as there is
// room for, so that a reader sees which are missing.
func flood(o *Options) error {
	number := 0
	return o.write(func(size int) []byte {
		var b []byte
		for len(b) == 0 || len(b)+o.Line <= size {
			digits := fmt.Sprintf("%012d ", number)
			if len(digits) >= o.Line {
				digits = digits[len(digits)-o.Line:]
			}
			line := append([]byte(digits), bytes.Repeat([]byte("x"), o.Line-len(digits))...)
			line[o.Line-1] = '\n'
			b = append(b, line...)
			number++
		}
		return b
	})
}

func endlessLine(o *Options) error {
	return o.write(func(size int) []byte { return bytes.Repeat([]byte("x"), size) })
}

func binary(o *Options) error {
	random := rand.NewChaCha8([32]byte{})
	return o.write(func(size int) []byte {
		b := make([]byte, size)
		_, _ = random.Read(b) // never fails
		return b
	})
}

// lines writes lines as they are, and exits.
func (o *Options) lines(lines ...string) error {
	if err := o.settled(); err != nil {
		return err
	}
	for _, line := range lines {
		if _, err := os.Stdout.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	os.Exit(o.Code)
	return nil
}

func invalidUTF8(o *Options) error {
	return o.lines(
		"a byte that never occurs: \xff\xfe",
		"a continuation without a beginning: \x80\xbf",
		"a beginning without its end: \xe2\x82",
		"the same, followed by text: \xe2\x82text",
		"too long a form of /: \xc0\xaf",
		"a surrogate: \xed\xa0\x80",
		"beyond U+10FFFF: \xf4\x90\x80\x80",
		"Latin-1: gr\xfc\xdfe",
		"and one that is right: grüße €",
	)
}

func escapes(o *Options) error {
	return o.lines(
		"clear the screen: \x1b[2J\x1b[H",
		"colour without its end: \x1b[31mred",
		"a window title: \x1b]0;owned\x07",
		"the clipboard: \x1b]52;c;b3duZWQ=\x07",
		"a question that the terminal answers as if typed: \x1b[6n",
		"a link: \x1b]8;;http://localhost/\x1b\\click\x1b]8;;\x1b\\",
		"the other character set: \x1b(0lqk\x0e",
		"C1, as UTF-8 and as a byte: \u009b2J \x9b2J",
		"written over: 2000-01-01 [INFO] fine\rforged",
		"backspaces: secret\b\b\b\b\b\bpublic",
		"bell, form feed, vertical tab: \a\f\v",
		"text that runs backwards: \u202edesrever\u202c",
		"a sequence that never ends: \x1bP",
	)
}

func halfLine(o *Options) error {
	if err := o.settled(); err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("half a li"); err != nil {
		return err
	}
	os.Exit(o.Code)
	return nil
}

func closeOutput(o *Options) error {
	if err := o.settled(); err != nil {
		return err
	}
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if err := f.Close(); err != nil {
			return err
		}
	}
	return linger()
}
