package tree

import (
	"io"
	"log"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// childLogger is the logger in a child's context: its supervisor's, named with
// the child's path. That logger is made when it is first used, because most
// children never log.
type childLogger struct {
	base hclog.Logger
	path string
	once sync.Once
	made hclog.Logger
}

func (l *childLogger) get() hclog.Logger {
	l.once.Do(func() { l.made = l.base.Named(l.path) })
	return l.made
}

func (l *childLogger) Log(level hclog.Level, msg string, args ...any) {
	l.get().Log(level, msg, args...)
}
func (l *childLogger) Trace(msg string, args ...any)       { l.get().Trace(msg, args...) }
func (l *childLogger) Debug(msg string, args ...any)       { l.get().Debug(msg, args...) }
func (l *childLogger) Info(msg string, args ...any)        { l.get().Info(msg, args...) }
func (l *childLogger) Warn(msg string, args ...any)        { l.get().Warn(msg, args...) }
func (l *childLogger) Error(msg string, args ...any)       { l.get().Error(msg, args...) }
func (l *childLogger) IsTrace() bool                       { return l.get().IsTrace() }
func (l *childLogger) IsDebug() bool                       { return l.get().IsDebug() }
func (l *childLogger) IsInfo() bool                        { return l.get().IsInfo() }
func (l *childLogger) IsWarn() bool                        { return l.get().IsWarn() }
func (l *childLogger) IsError() bool                       { return l.get().IsError() }
func (l *childLogger) ImpliedArgs() []any                  { return l.base.ImpliedArgs() }
func (l *childLogger) With(args ...any) hclog.Logger       { return l.get().With(args...) }
func (l *childLogger) Name() string                        { return l.get().Name() }
func (l *childLogger) Named(name string) hclog.Logger      { return l.get().Named(name) }
func (l *childLogger) ResetNamed(name string) hclog.Logger { return l.base.ResetNamed(name) }
func (l *childLogger) SetLevel(level hclog.Level)          { l.get().SetLevel(level) }
func (l *childLogger) GetLevel() hclog.Level               { return l.get().GetLevel() }
func (l *childLogger) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return l.get().StandardLogger(o)
}
func (l *childLogger) StandardWriter(o *hclog.StandardLoggerOptions) io.Writer {
	return l.get().StandardWriter(o)
}
