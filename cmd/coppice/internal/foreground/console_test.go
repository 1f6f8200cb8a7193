package foreground

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// Each line tells who, how and what; less important ones are left out.
func TestConsole(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(LogOptions{Out: &out})
	api := log.Named("shop/web/api")
	log.Info("shop/web/api: started", "incarnation", 2, "pid", 4711, "cascade", "x")
	api.Info("listening", "pid", 4711, "stream", "stdout")
	api.Error("oops", "code", 7, "pid", 4711, "stream", "stderr")
	api.Warn("left processes behind", "pid", 4711, "processes", 3)
	api.Warn("waiting for the machine")
	api.Debug("not wanted", "pid", 4711, "stream", "stdout")
	want := strings.TrimPrefix(`
-- shop/web/api: started (pid 4711)
shop/web/api[4711] | listening
shop/web/api[4711] ! oops code=7
shop/web/api[4711] * left processes behind processes=3
shop/web/api * waiting for the machine
`, "\n")
	if got := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} `).ReplaceAllString(out.String(), ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A path keeps its colour; what is wrong stands out; nothing stays coloured.
func TestConsoleColors(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(LogOptions{Out: &out, Color: true, Level: hclog.Debug})
	for range 2 {
		log.Named("a").Info("x", "pid", 1, "stream", "stdout")
	}
	log.Named("a").Error("broken", "pid", 1, "stream", "stdout")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	_, first, _ := strings.Cut(lines[0], reset) // without the time
	_, second, _ := strings.Cut(lines[1], reset)
	if first != second || !strings.Contains(first, hue("a")+"a[1] "+reset) {
		t.Errorf("%q, then %q", first, second)
	}
	if !strings.Contains(lines[2], red+"broken"+reset) {
		t.Errorf("%q", lines[2])
	}
	for _, line := range lines {
		if strings.LastIndex(line, "\x1b[") != strings.LastIndex(line, reset) && !strings.HasSuffix(line, "x") {
			t.Errorf("the colour of %q does not end", line)
		}
	}
}

func TestJSONLog(t *testing.T) {
	var out bytes.Buffer
	newLogger(LogOptions{Out: &out, JSON: true}).Named("shop/db").Warn("hello", "pid", 3)
	for _, part := range []string{`"@level":"warn"`, `"@module":"shop/db"`, `"@message":"hello"`, `"pid":3`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%s lacks %s", &out, part)
		}
	}
}
