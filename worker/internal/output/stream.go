package output

import (
	"bytes"
	"errors"
)

// stream takes one stream of a child's output from its pipe to the sinks. One
// goroutine at a time has it, the pump, or none while there is nothing to read.
// When a sink hangs, its pump stays there and another becomes the pump.
type stream struct {
	out    *Output
	name   string
	source source
	pipe   pipe // the source, but in tests
	cut    cutter
	file   *fileSink // nil: no file
	log    logSink

	// what was read last
	buf   *buffer // the block may lie in it
	block []byte  // for the file
	text  string  // for the logger
	ended bool
}

// source is where a stream comes from: a pipe.
type source interface {
	// start has a pump started when there is something to read.
	start()

	// read reads without waiting. The error is errNothing if there is nothing
	// now, and io.EOF at the end; the source is closed then.
	read() (*buffer, error)

	// wait is for the pump that found nothing. Its result is that of a read, but
	// that errNothing means that the caller is no longer the pump: another is
	// started when there is something to read.
	wait() (*buffer, error)

	// take makes the caller the pump, if there is none, after the child's death.
	take() bool

	// held reports that reading ended before the stream did.
	held() bool

	close()
}

var errNothing = errors.New("nothing to read")

// stage is where a pump is in its round.
type stage uint8

const (
	reading stage = iota
	filing
	logging
	stages
)

// pump takes the stream from the given stage on until there is nothing to read,
// or to a sink where it hangs so long that another goroutine goes on behind
// that. It is counted in Output.pumps before it is started.
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

// begin is the first pump of an incarnation that has a file, which may take its
// time: the marker comes before all lines, and if there should be none.
func (s *stream) begin() {
	if s.file.deliver(nil) {
		s.pump(reading)
	}
}

// drain ends the stream after the child's death, unless there is a pump, which
// does. In the ordinary case, nothing is left to be read and nothing to be
// said, that is done here; where a sink has to be called, by a pump.
func (s *stream) drain() {
	if !s.source.take() {
		return
	}
	at := reading
	if buf, err := s.source.read(); err != errNothing {
		at = filing
		if s.took(buf); s.ended && s.nothingLeft() {
			return
		}
	}
	s.out.pumps.Add(1)
	go s.pump(at)
}

// nothingLeft reports whether no sink has to be called any more.
func (s *stream) nothingLeft() bool {
	return len(s.block)+len(s.text) == 0 && (s.file == nil || s.file.settled()) && !s.log.owing()
}

// read gets the next lines. It returns false when there are none.
func (s *stream) read() bool {
	if s.ended {
		s.out.pumps.Done()
		return false
	}
	buf, err := s.source.read()
	if err == errNothing {
		if buf, err = s.source.wait(); err == errNothing {
			s.out.pumps.Done()
			return false
		}
	}
	s.took(buf)
	return true
}

// took deals with what was read; nil is the end.
func (s *stream) took(buf *buffer) {
	if s.buf = buf; buf != nil {
		if s.out.cfg.Raw != nil {
			s.out.cfg.Raw(s.name, buf.data())
		}
		s.block = s.cut.cut(buf)
	} else {
		s.block = s.cut.flush()
		s.end()
	}
	s.out.see(s.name, s.block)
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
