package importer

import (
	"strings"
	"unicode"
)

// A supervisord.conf is read by Python's RawConfigParser, with settings of its own:
// keys may be followed by = or :, values go on in lines that are indented, " ;" and
// " #" begin a comment, a section may be there in several pieces, and of a key that
// is there twice the last counts. No library for ini files that this program has, or
// should need, reads it so; hence these lines.

// section is one of an ini file.
type section struct {
	name    string
	file    string
	line    int
	options []*option
}

type option struct {
	key, value string // the key in lower case; lines of the value are separated by line breaks
	line       int
}

// get is the last option with the key; nil if there is none.
func (s *section) get(key string) *option {
	for _, o := range s.options {
		if o.key == key {
			return o
		}
	}
	return nil
}

func (s *section) add(o *option) *option {
	if old := s.get(o.key); old != nil {
		*old = *o
		return old
	}
	s.options = append(s.options, o)
	return o
}

// ini reads the sections of a file into those that are there.
func (im *importer) ini(sections []*section, file string, data []byte) []*section {
	var at *section
	var last *option // whose value may go on
	for i, line := range strings.Split(string(data), "\n") {
		body := strings.TrimSpace(withoutComment(line))
		indented := line != "" && unicode.IsSpace(rune(line[0]))
		switch {
		case body == "":
			if strings.TrimSpace(line) == "" {
				continue // an empty line ends no value
			}
		case indented && last != nil:
			last.value = strings.TrimSpace(last.value + "\n" + body)
		case body[0] == '[':
			name, _, closed := strings.Cut(body[1:], "]")
			if !closed {
				im.problem(file, i+1, "the name of a section ends with ]")
			}
			at, last = nil, nil
			for _, s := range sections {
				if s.name == name && s.file == file {
					at = s
				}
			}
			if at == nil {
				at = &section{name: name, file: file, line: i + 1}
				sections = append(sections, at)
			}
		case at == nil:
			im.problem(file, i+1, "this is in no section; a section begins with a line [NAME]")
			return sections
		default:
			end := strings.IndexAny(body, "=:")
			if end < 1 {
				im.problem(file, i+1, "expected KEY=VALUE, found %s", short(body))
				continue
			}
			last = at.add(&option{strings.ToLower(strings.TrimSpace(body[:end])), strings.TrimSpace(body[end+1:]), i + 1})
		}
	}
	return sections
}

// withoutComment leaves out what is behind a ; or # that begins the line, or has a space before it.
func withoutComment(line string) string {
	for i := range len(line) {
		if (line[i] == ';' || line[i] == '#') && (i == 0 || unicode.IsSpace(rune(line[i-1]))) {
			return line[:i]
		}
	}
	return line
}
