package output

import (
	"bytes"
	"time"
)

// stream takes one stream of a child's output from its pipe to the sinks. One
// goroutine at a time has it, the pump. When a sink hangs, its pump stays there
// and another becomes the pump.
type stream struct {
	out    *Output
	name   string
	source source
	cut    cutter
	file   *fileSink // nil: no file
	log    *logSink

	// what was read last
	buf   *buffer // the block may lie in it
	block []byte  // for the file
	text  string  // for the logger
	ended bool
}

// source is where a stream comes from: a pipe.
type source interface {
	// next waits for something to read. Nil is the end of the stream; the
	// source is closed then.
	next() *buffer
	// held reports that reading ended before the stream did.
	held() bool
	// drain makes next give up if there is nothing to read until quiet.
	drain(quiet time.Time)
	close()
}

// stage is where a pump is in its round.
type stage int

const (
	reading stage = iota
	filing
	logging
	stages
)

// pump takes the stream from the given stage on to its end, or to a sink where
// it hangs so long that another goroutine goes on behind that.
func (s *stream) pump(at stage) {
	for mine := true; mine; at = (at + 1) % stages {
		switch at {
		case reading:
			mine = s.read()
		case filing:
			mine = s.toFile()
		case logging:
			mine = s.toLog()
		}
	}
}

// begin is the first pump: the marker comes before all lines, and if there
// should be none.
func (s *stream) begin() {
	if s.file == nil || s.file.deliver(nil) {
		s.pump(reading)
	}
}

// read gets the next lines. It returns false when there are no more.
func (s *stream) read() bool {
	if s.ended {
		s.out.pumps.Done()
		return false
	}
	if s.buf = s.source.next(); s.buf != nil {
		if s.out.cfg.Raw != nil {
			s.out.cfg.Raw(s.name, s.buf.data())
		}
		s.block = s.cut.cut(s.buf)
	} else {
		s.block = s.cut.flush()
		s.end()
	}
	s.out.see(s.block)
	if s.text = ""; !s.out.cfg.FileOnly {
		s.text = string(s.block)
	}
	switch {
	case s.file == nil:
		s.release()
	case len(s.block) <= little:
		// Thousands may wait for the same file: they do not hold a buffer each.
		block := bytes.Clone(s.block)
		s.release()
		s.block = block
	}
	return true
}

// release gives back what was read.
func (s *stream) release() {
	s.buf.giveBack()
	s.buf, s.block = nil, nil
}

// end is called when all has been read, before the last lines are delivered.
func (s *stream) end() {
	s.ended = true
	s.log.end()
	if s.file != nil {
		s.file.end()
	}
	if s.source.held() && s.out.held.CompareAndSwap(false, true) {
		s.log.report(warn("output pipe closed although a descendant outside of the session still holds it"))
	}
}

func (s *stream) toFile() bool {
	buf, block := s.buf, s.block
	s.buf, s.block = nil, nil
	defer buf.giveBack()
	if s.file == nil || len(block) == 0 && !s.ended {
		return true
	}
	return s.file.deliver(block)
}

func (s *stream) toLog() bool {
	if s.ended && s.file != nil {
		s.file.lastReport()
	}
	text := s.text
	s.text = ""
	return s.log.deliver(text)
}
