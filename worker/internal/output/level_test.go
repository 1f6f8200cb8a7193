package output

import (
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestInfer(t *testing.T) {
	for _, tt := range []struct {
		line string
		want hclog.Level
	}{
		{"", hclog.NoLevel},
		{"hello", hclog.NoLevel},
		{"[ERROR] no", hclog.Error},
		{"[error] no", hclog.Error},
		{"[INFO ] yes", hclog.Info},
		{"[WARN]", hclog.Warn},
		{"[DEBUG] x", hclog.Debug},
		{"[TRACE] x", hclog.Trace},
		{"[main] ERROR", hclog.NoLevel},
		{"ERROR: no", hclog.Error},
		{"error: no", hclog.Error},
		{"Error: no", hclog.Error},
		{"ERROR:root:no", hclog.Error},
		{"WARNING:root:hm", hclog.Warn},
		{"WARN hm", hclog.Warn},
		{"WARN", hclog.Warn},
		{"INFO:     Started server process", hclog.Info},
		{"fail: Microsoft.Hosting", hclog.Error},
		{"FATAL could not", hclog.Error},
		// Words, not levels.
		{"Error handling is on", hclog.NoLevel},
		{"warning lights are off", hclog.NoLevel},
		{"ERRORS 0", hclog.NoLevel},
		{"Information: none", hclog.NoLevel},
		{"5 ERROR lines were found", hclog.NoLevel},
		{"12:30 is when ERROR comes", hclog.NoLevel},
		// With a time.
		{"2006/01/02 15:04:05 ERROR no", hclog.Error},
		{"2006/01/02 15:04:05 [error] 12#0: *1 open() failed", hclog.Error},
		{"2006-01-02T15:04:05.000Z [WARN]  web: slow", hclog.Warn},
		{"2006-01-02T15:04:05.000+0200 [TRACE] web: step", hclog.Trace},
		{"2006-01-02 15:04:05,123 - DEBUG - x", hclog.Debug},
		{"2006-01-02 15:04:05.123 UTC [42] ERROR:  relation does not exist", hclog.Error},
		{"2006-01-02 15:04:05.123 CEST [42] LOG:  ready", hclog.Info},
		{"[2006-01-02 15:04:05] WARNING: hm", hclog.Warn},
		{"2006/01/02 15:04:05 hello", hclog.NoLevel},
		{"15:04:05", hclog.NoLevel},
		{"I0102 15:04:05.000000   12 main.go:12] hello", hclog.Info},
		{"W0102 15:04:05.000000   12 main.go:12] hello", hclog.Warn},
		{"F0102 15:04:05.000000   12 main.go:12] hello", hclog.Error},
		{"X0102 15:04:05.000000   12 main.go:12] hello", hclog.NoLevel},
		// logfmt
		{"level=warn msg=hm", hclog.Warn},
		{`level="error" msg=no`, hclog.Error},
		{"time=2006-01-02T15:04:05Z level=ERROR msg=no", hclog.Error},
		{"ts=1 caller=x lvl=dbug msg=x", hclog.Debug},
		{"time=2006 sublevel=error", hclog.NoLevel},
		// Crashes.
		{"panic: runtime error: index out of range", hclog.Error},
		{"fatal error: all goroutines are asleep - deadlock!", hclog.Error},
		{"goroutine 1 [running]:", hclog.Error},
		{"goroutine 5 started", hclog.NoLevel},
		{"Traceback (most recent call last):", hclog.Error},
		{`Exception in thread "main" java.lang.Error`, hclog.Error},
		{"thread 'main' panicked at src/main.rs:2:5:", hclog.Error},
		{"panicking is not for us", hclog.NoLevel},
	} {
		got, crash := infer(tt.line)
		if got != tt.want {
			t.Errorf("%q: %v, want %v", tt.line, got, tt.want)
		}
		if want := tt.want == hclog.Error && (tt.line[0] == 'p' || tt.line[:3] == "fat"); crash != want {
			t.Errorf("%q: crash is %v", tt.line, crash)
		}
	}
}

// Whatever a line says, looking at it ends well.
func FuzzInfer(f *testing.F) {
	f.Add("2006-01-02 15:04:05.123 UTC [42] ERROR:  x")
	f.Fuzz(func(t *testing.T, line string) {
		if _, crash := infer(line); crash && len(line) < len("panic: ") {
			t.Errorf("%q is no crash", line)
		}
	})
}
