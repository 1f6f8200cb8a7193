package importer

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"
)

// literal writes a text so that the loader, which replaces ${NAME} and $$, finds it
// again.
func literal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		n := 0
		for i+n < len(s) && s[i+n] == '$' {
			n++
		}
		if n == 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		if i += n; n > 1 || i < len(s) && s[i] == '{' {
			n *= 2
		}
		b.WriteString(strings.Repeat("$", n))
	}
	return b.String()
}

var errQuote = errors.New("a quotation is not closed")

// splitWords takes a line apart as shlex of Python does: there is no shell.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	var quote byte
	open := false // a word, which may be empty
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote == '\'' && c != quote, quote == '"' && c != quote && c != '\\':
			word.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\':
			if i++; i == len(line) {
				return nil, errors.New("there is nothing after the last backslash")
			}
			if quote == '"' && line[i] != '"' && line[i] != '\\' {
				word.WriteByte(c)
			}
			word.WriteByte(line[i])
			open = true
		case c == '\'' || c == '"':
			quote, open = c, true
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, errQuote
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

var (
	// special is what means something to a shell outside of quotes, or between
	// double quotes. Quoted texts are taken out before.
	special    = regexp.MustCompile("[$`*?\\[\\]{}~|&;<>()\\n#!\\\\]|^\\s*[A-Za-z_][A-Za-z0-9_]*\\+?=")
	quotedText = regexp.MustCompile("'[^']*'|\"[^\"$`\\\\!]*\"")

	// compound is what makes more of a line than one program with its arguments.
	compound   = regexp.MustCompile("[|&;()\\n`]|\\$\\(|^\\s*[A-Za-z_][A-Za-z0-9_]*\\+?=")
	singleText = regexp.MustCompile(`'[^']*'`)

	// bashOnly is what other shells do not have, or do in another way.
	bashOnly = regexp.MustCompile(`\[\[|<\(|>\(|<<<|&>|\|&|\$'|\(\(|\{[^{}\s]*(,|\.\.)[^{}\s]*\}|\$\{[A-Za-z_][A-Za-z0-9_]*(\[|//?|\^|,|:[0-9])|\b(source|function|declare|local|shopt|pipefail|mapfile|readarray|pushd|popd|typeset|let)\b|\becho\s+-|\+=`)
)

// builtins are the words with which a line begins that only a shell can do.
var builtins = strings.Fields(`. : [ alias bg break builtin case cd command continue declare do done echo elif else esac eval exit export
	false fi for function getopts hash if jobs kill let local printf pwd read readonly return select set shift shopt source test then time times trap true type
	typeset ulimit umask unalias unset until wait while`)

// plainCommand takes a line of a shell apart, and reports whether it is certain that
// a shell would make the same of it. Exec is left out: no shell is to be replaced.
func plainCommand(line string) ([]string, bool) {
	if special.MatchString(quotedText.ReplaceAllString(line, "q")) {
		return nil, false
	}
	words, err := splitWords(line)
	if err == nil && len(words) > 1 && words[0] == "exec" && !strings.HasPrefix(words[1], "-") {
		words = words[1:]
	}
	if err != nil || len(words) == 0 || words[0] == "" || words[0] == "exec" || slices.Contains(builtins, words[0]) {
		return nil, false
	}
	return words, true
}

// run has a child run a line of a shell. The line is as the other tool has it; escape
// makes of such texts what they have to be in the file. Dir is where the line runs.
func (c *child) run(line, dir string, bash bool, escape func(string) string) {
	line = strings.TrimSpace(line)
	if words, ok := plainCommand(line); ok {
		for i := range words {
			words[i] = escape(words[i])
		}
		words[0] = program(dir, words[0])
		c.command = words
		return
	}
	if bash && bashOnly.MatchString(line) {
		c.command = []string{"bash", "-c", escape(line)}
		return
	}
	c.shell = escape(withExec(line))
}

// withExec has the shell make room for the one program of a line, which then gets
// the signals itself.
func withExec(line string) string {
	words := strings.Fields(line)
	if compound.MatchString(singleText.ReplaceAllString(line, "q")) || len(words) == 0 || words[0] == "exec" || words[0] == "!" || words[0] == "{" || slices.Contains(builtins, words[0]) {
		return line
	}
	return "exec " + line
}

// program is the name of one where it is run in dir: there a name with a slash is
// relative to dir, here to the directory of the file.
func program(dir, name string) string {
	if dir == "" || !strings.Contains(name, "/") || path.IsAbs(name) || strings.HasPrefix(name, "${") {
		return name
	}
	joined := path.Join(dir, name)
	if !strings.Contains(joined, "/") {
		joined = "./" + joined
	}
	return joined
}

// home writes ~ at the beginning of a path for what it stands.
func home(path string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		return "${HOME}" + path[1:]
	}
	return path
}
