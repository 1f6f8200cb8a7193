package show

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/coppice-go/coppice/tree/control/record"
)

var output = []record.Line{
	{Time: before(3 * time.Second), Path: "shop/db", Incarnation: 1, PID: 9, Stream: "stdout", Text: "listening"},
	{Time: before(2 * time.Second), Path: "shop/web/api", Incarnation: 1, Stream: "stderr", Text: "hello"},
	{Time: before(2 * time.Second), Path: "shop/db", Incarnation: 1, PID: 9, Stream: "stderr", Text: "out of cheese"},
	{Time: before(time.Second), Path: "shop/db", Incarnation: 2, PID: 12, Stream: "stdout", Text: "listening"},
	{Time: before(time.Second), Path: "shop/web", Dropped: 3},
}

func drawn(l Look) string {
	g := Logs{Look: l}
	var out strings.Builder
	for _, line := range output {
		out.WriteString(g.Line(line))
	}
	return out.String()
}

func TestLogs(t *testing.T) {
	diff(t, `
03:04:02.000  shop/db[9]  stdout| listening
03:04:03.000  shop/web/api  stderr| hello
03:04:03.000  shop/db[9]    stderr| out of cheese
--- shop/db: incarnation 2, pid 12, after 1
03:04:04.000  shop/db[12]   stdout| listening
--- 3 lines of shop/web are missing here: this reader was too slow
`, drawn(Look{Now: now}))
}

// A child has one colour, others may have another.
func TestLogsInTerminal(t *testing.T) {
	coloured := drawn(Look{Now: now, Color: true})
	diff(t, drawn(Look{Now: now}), ansi.Strip(coloured))
	of := func(name string) string {
		before, _, _ := strings.Cut(coloured, name)
		return before[strings.LastIndex(before, "\x1b["):]
	}
	if of("shop/db[9]") != of("shop/db[12]") || of("shop/db[9]") == of("shop/web/api") {
		t.Errorf("%q", coloured)
	}
}
