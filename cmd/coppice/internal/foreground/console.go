package foreground

import (
	"fmt"
	"hash/fnv"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// LogOptions say how a run logs.
type LogOptions struct {
	Out   io.Writer
	Level hclog.Level // what is below that is left out; NoLevel is Info
	JSON  bool        // hclog's JSON, one object a line
	Color bool        // of the other form
}

// newLogger makes the logger of a run. It is safe for concurrent use and writes
// each line at once.
func newLogger(o LogOptions) hclog.Logger {
	if o.Level == hclog.NoLevel {
		o.Level = hclog.Info
	}
	if o.JSON {
		return hclog.New(&hclog.LoggerOptions{Output: o.Out, Level: o.Level, JSONFormat: true, TimeFn: time.Now})
	}
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Off})
	l.RegisterSink(&console{out: o.Out, level: o.Level, color: o.Color})
	return l
}

// console is the log for people: what a program writes as
//
//	12:03:04.567 shop/web/api[4711] | listening on port 8080
//
// with a "!" for stderr; what the tree does as
//
//	12:03:04.567 -- shop/web/api: started (pid 4711)
//
// and what is said about a program with its path and a "*".
type console struct {
	level hclog.Level
	color bool

	mu  sync.Mutex // guards what follows
	out io.Writer
	buf []byte
}

const (
	reset  = "\x1b[0m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
)

// hues tell paths from one another, on a dark ground and on a light one.
var hues = [...]string{"\x1b[36m", "\x1b[32m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[92m", "\x1b[95m", "\x1b[94m"}

// Accept implements hclog.SinkAdapter. Name is the path of a child, or empty.
func (c *console) Accept(name string, level hclog.Level, msg string, args ...any) {
	if level < c.level {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := fieldsOf(args)
	c.buf = c.buf[:0]
	c.paint(dim, time.Now().Format("15:04:05.000 "))
	switch {
	case name == "":
		c.paint(dim, "-- ")
	case f.pid != nil:
		c.paint(hue(name), fmt.Sprintf("%s[%v] ", name, f.pid))
	default:
		c.paint(hue(name), name+" ")
	}
	if name != "" {
		c.paint(severity(level, dim), f.mark())
	}
	c.paint(severity(level, ""), msg)
	if name == "" && f.pid != nil {
		c.paint(dim, fmt.Sprintf(" (pid %v)", f.pid))
	}
	for i := 0; i+1 < len(f.rest); i += 2 {
		c.paint(dim, fmt.Sprintf(" %v=", f.rest[i]))
		c.buf = fmt.Appendf(c.buf, "%v", f.rest[i+1])
	}
	c.buf = append(c.buf, '\n')
	_, _ = c.out.Write(c.buf) // there is nobody else to tell
	if cap(c.buf) > 64<<10 {
		c.buf = nil
	}
}

func (c *console) paint(color, text string) {
	if !c.color || color == "" {
		c.buf = append(c.buf, text...)
		return
	}
	c.buf = append(append(append(c.buf, color...), text...), reset...)
}

func hue(path string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, path)
	return hues[h.Sum32()%uint32(len(hues))]
}

func severity(level hclog.Level, otherwise string) string {
	switch {
	case level >= hclog.Error:
		return red
	case level == hclog.Warn:
		return yellow
	}
	return otherwise
}

// fields are the arguments of a message, with those apart that have their place.
type fields struct {
	pid, stream any
	rest        []any
}

func fieldsOf(args []any) (f fields) {
	for i := 0; i+1 < len(args); i += 2 {
		switch args[i] {
		case "pid":
			f.pid = args[i+1]
		case "stream":
			f.stream = args[i+1]
		case "incarnation", "cascade": // told by the order of lines, and by `coppice events`
		default:
			f.rest = append(f.rest, args[i], args[i+1])
		}
	}
	return f
}

// mark says whether the program says it, or somebody else about it.
func (f fields) mark() string {
	switch f.stream {
	case nil:
		return "* "
	case "stderr":
		return "! "
	}
	return "| "
}
