package notify

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("é", MaxStatus)
	for _, tt := range []struct {
		name, datagram string
		want           Message
	}{
		{"started", "READY=1", Message{Ready: true}},
		{"started, as a C program sends it", "READY=1\n\x00", Message{Ready: true}},
		{"only 1 is yes", "READY=0\nSTOPPING=yes\nRELOADING=\nready=1\nREADY=10", Message{}},
		{"several at once", "STATUS=up\nREADY=1\nWATCHDOG=1\n\nSTOPPING=1\r\nRELOADING=1\nMONOTONIC_USEC=17",
			Message{Ready: true, Reloading: true, Stopping: true, Watchdog: true, Status: new("up")}},
		{"nothing", "", Message{}},
		{"what is not for us", "MAINPID=1\nFDSTORE=1\nFDNAME=x\nX_OWN=1\nNOTIFYACCESS=all\nBUSERROR=a.b\nEXIT_STATUS=3\n=\n=1\nREADY", Message{}},

		{"the status is taken back", "STATUS=", Message{Status: new("")}},
		{"the first status counts", "STATUS=a\nSTATUS=b", Message{Status: new("a")}},
		{"a status may contain =", "STATUS=a=b", Message{Status: new("a=b")}},
		{"a status made harmless", "STATUS=\x1b[31m \t\x7f\xff é \u202e\u2028\u009b", Message{Status: new(`\x1b[31m \x09\x7f` + "\ufffd é " + `\u202e\u2028\u009b`)}},
		{"a long status", "STATUS=" + long, Message{Status: new(long[:MaxStatus-4] + "…")}}, // 1,021 would cut the é

		{"no error", "ERRNO=0", Message{Errno: new(0)}},
		{"an error", "ERRNO=2", Message{Errno: new(2)}},
		{"a wrong error", "ERRNO=ENOENT", Message{Problems: []string{"ERRNO=ENOENT: not a number from 0 to 4095"}}},
		{"too high an error", "ERRNO=4096", Message{Problems: []string{"ERRNO=4096: not a number from 0 to 4095"}}},

		{"more time", "EXTEND_TIMEOUT_USEC=1500000", Message{ExtendTimeout: 1500 * time.Millisecond}},
		{"no more time", "EXTEND_TIMEOUT_USEC=0", Message{}},
		{"unclear time", "EXTEND_TIMEOUT_USEC=-1", Message{Problems: []string{"EXTEND_TIMEOUT_USEC=-1: not a number of microseconds"}}},
		{"a new interval", "WATCHDOG_USEC=20000000", Message{WatchdogEvery: new(20 * time.Second)}},
		{"no watchdog any more", "WATCHDOG_USEC=0", Message{WatchdogEvery: new(time.Duration(0))}},
		{"systemd's infinity", "WATCHDOG_USEC=18446744073709551615", Message{WatchdogEvery: new(time.Duration(math.MaxInt64))}},
		{"the longest interval", "WATCHDOG_USEC=9223372036854775", Message{WatchdogEvery: new(9223372036854775 * time.Microsecond)}},
		{"one more", "WATCHDOG_USEC=9223372036854776", Message{WatchdogEvery: new(time.Duration(math.MaxInt64))}},
		{"an unclear interval", "WATCHDOG_USEC=20s\x07", Message{Problems: []string{`WATCHDOG_USEC=20s\x07: not a number of microseconds`}}},

		{"alive", "WATCHDOG=1", Message{Watchdog: true}},
		{"says it is not well", "WATCHDOG=trigger", Message{Trigger: true}},
		{"neither", "WATCHDOG=0", Message{Problems: []string{`WATCHDOG=0: neither "1" nor "trigger"`}}},

		{"barrier", "BARRIER=1", Message{Barrier: true}},
		{"barrier with a line end", "BARRIER=1\n", Message{Barrier: true}},
		{"barrier in company", "READY=1\nBARRIER=1", Message{Problems: []string{
			"BARRIER=1 must be alone in its message: all of it is ignored, by systemd too; send it after the others"}}},

		{"NUL inside", "READY=1\x00\nSTOPPING=1", Message{Problems: []string{"it contains a NUL byte: the message is ignored"}}},
		{"as long as can be", "READY=1\nX=" + strings.Repeat("x", MaxDatagram-10), Message{Ready: true}},
		{"too long", "READY=1\nX=" + strings.Repeat("x", MaxDatagram-9), Message{Problems: []string{"longer than 4096 bytes: the message is ignored"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Parse([]byte(tt.datagram))); diff != "" {
				t.Errorf("Parse(%.80q) (-want +got):\n%s", tt.datagram, diff)
			}
		})
	}
}

// What is put together in any order comes out again.
func TestParseProperty(t *testing.T) {
	yes := rapid.Bool()
	rapid.Check(t, func(t *rapid.T) {
		var want Message
		var lines []string
		flag := func(name string) bool {
			if !yes.Draw(t, name) {
				return false
			}
			lines = append(lines, name+"=1")
			return true
		}
		want.Ready, want.Reloading, want.Stopping, want.Watchdog = flag("READY"), flag("RELOADING"), flag("STOPPING"), flag("WATCHDOG")
		if yes.Draw(t, "has status") {
			want.Status = new(rapid.StringMatching(`[ -~äö€𝄞]{0,200}`).Draw(t, "status"))
			lines = append(lines, "STATUS="+*want.Status)
		}
		if yes.Draw(t, "has errno") {
			want.Errno = new(rapid.IntRange(0, maxErrno).Draw(t, "errno"))
			lines = append(lines, fmt.Sprintf("ERRNO=%d", *want.Errno))
		}
		if yes.Draw(t, "has interval") {
			us := rapid.Int64Range(0, math.MaxInt64/1000).Draw(t, "interval")
			want.WatchdogEvery = new(time.Duration(us) * time.Microsecond)
			lines = append(lines, fmt.Sprintf("WATCHDOG_USEC=%d", us))
		}
		if yes.Draw(t, "has extension") {
			us := rapid.Int64Range(0, math.MaxInt64/1000).Draw(t, "extension")
			want.ExtendTimeout = time.Duration(us) * time.Microsecond
			lines = append(lines, fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", us))
		}
		lines = append(lines, rapid.SliceOfN(rapid.StringMatching(`X_[A-Z]{1,5}=[ -~]{0,20}`), 0, 5).Draw(t, "own")...)
		datagram := strings.Join(rapid.Permutation(lines).Draw(t, "lines"), "\n")
		if diff := cmp.Diff(want, Parse([]byte(datagram))); diff != "" {
			t.Fatalf("Parse(%q) (-want +got):\n%s", datagram, diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "\x00", "\n", "=", "READY=1", "READY=1\nSTATUS=up and running\nMAINPID=4711", "STATUS=\xff\xfe\x1b[2J\u202e", "STATUS=" + strings.Repeat("\x01", 2000),
		"RELOADING=1\nMONOTONIC_USEC=123456", "STOPPING=1\nERRNO=5", "WATCHDOG=1", "WATCHDOG=trigger", "WATCHDOG=x",
		"WATCHDOG_USEC=20000000", "WATCHDOG_USEC=18446744073709551615", "WATCHDOG_USEC=18446744073709551616", "EXTEND_TIMEOUT_USEC=1",
		"BARRIER=1", "BARRIER=1\nREADY=1", "ERRNO=-1\nERRNO=0", "FDSTORE=1\nFDNAME=a\nFDPOLL=0", "READY=1\r\nSTATUS=\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		m := Parse(datagram)
		texts := m.Problems
		if m.Status != nil {
			texts = append([]string{*m.Status}, texts...)
		}
		if len(m.Problems) > 5 {
			t.Errorf("%d problems: there are not so many keys", len(m.Problems))
		}
		for _, text := range texts {
			if len(text) > MaxStatus || !utf8.ValidString(text) {
				t.Errorf("%q is longer than %d bytes or not valid", text, MaxStatus)
			}
			for _, r := range text {
				if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
					t.Errorf("%q has %U", text, r)
				}
			}
		}
		if m.ExtendTimeout < 0 || m.WatchdogEvery != nil && *m.WatchdogEvery < 0 || m.Errno != nil && (*m.Errno < 0 || *m.Errno > maxErrno) {
			t.Errorf("a number is out of range: %+v", m)
		}
		if len(m.Problems) == 0 && len(datagram) > MaxDatagram {
			t.Error("too long, and nothing is said")
		}
		if m.Barrier && (m.Ready || m.Stopping || m.Status != nil || len(m.Problems) > 0) {
			t.Errorf("the barrier is not alone: %+v", m)
		}
		// A trailing line end, and what is not known, change nothing.
		if !m.Barrier && len(datagram) < MaxDatagram-10 && !strings.Contains(string(datagram), "\x00") {
			if diff := cmp.Diff(m, Parse(append(datagram[:len(datagram):len(datagram)], "\nX_OWN=1\n"...))); diff != "" {
				t.Errorf("with an unknown key (-without +with):\n%s", diff)
			}
		}
	})
}
