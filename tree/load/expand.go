package load

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces ${NAME} and ${NAME:-default} by what the environment of the
// supervisor says, and $$ by $. Any other $ stays as it is. Expanded reports
// whether there was a variable.
func (d *decoder) expand(s string, at pos) (_ string, expanded bool) {
	if !strings.Contains(s, "$") {
		return s, false
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 || i == len(s)-1 {
			b.WriteString(s)
			return b.String(), expanded
		}
		b.WriteString(s[:i])
		switch s[i+1] {
		case '$':
			b.WriteByte('$')
			s = s[i+2:]
		case '{':
			expanded = true
			inner, rest, closed := strings.Cut(s[i+2:], "}")
			if !closed {
				d.problem(d.within(at, "${"+inner), "write $${ where this is meant literally", "a variable has no closing }")
				return b.String(), expanded
			}
			b.WriteString(d.variable(inner, at))
			s = rest
		default:
			b.WriteByte('$')
			s = s[i+1:]
		}
	}
}

func (d *decoder) variable(inner string, at pos) string {
	name, instead, hasDefault := strings.Cut(inner, ":-")
	place := func() pos { return d.within(at, "${"+inner+"}") }
	if !variableName.MatchString(name) {
		d.problem(place(), "write ${NAME} or ${NAME:-default}; $${ where this is for a shell, or meant literally",
			"${%s} is not the name of a variable", shorten(inner))
		return ""
	}
	value, set := d.lookup(name)
	switch {
	case hasDefault && value == "": // as a shell does
		return instead
	case !set:
		d.problem(place(), "set it where coppice is started, or write ${"+name+":-default}; $${ where this is for a shell",
			"the environment variable %s is not set", name)
	}
	return value
}

// within is the place of a part of a text; that of the text if it cannot be found
// in the file as it is.
func (d *decoder) within(at pos, part string) pos {
	for line := at.line; line >= 1 && line <= len(d.lines) && line < at.line+1000; line++ {
		s, skipped := d.lines[line-1], 0
		if line == at.line {
			for range at.col - 1 {
				_, n := utf8.DecodeRuneInString(s[skipped:])
				skipped += n
			}
		}
		if i := strings.Index(s[skipped:], part); i >= 0 {
			return pos{line, utf8.RuneCountInString(s[:skipped+i]) + 1, utf8.RuneCountInString(part)}
		}
	}
	return at
}
