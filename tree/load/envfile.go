package load

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const maxEnvFile = 1 << 20 // bytes

// envFiles are paths of files of environment variables; the value is what is in
// them, as "key=value".
var envFiles = value[[]string]{
	what: "path", expected: "a path",
	schema: paths.schema,
	read: func(d *decoder, n *node, expected string) ([]string, bool) {
		path, ok := paths.read(d, n, expected)
		if !ok {
			return nil, false
		}
		data, err := readFile(path)
		if err != nil {
			var wrong *os.PathError
			if errors.As(err, &wrong) {
				err = wrong.Err
			}
			d.problem(n.pos, "it was looked for as "+path, "the file of environment variables cannot be read: %v", err)
			return nil, false
		}
		shown := n.text
		if !filepath.IsAbs(shown) {
			shown = filepath.Join(filepath.Dir(d.file), shown)
		}
		return d.parseEnv(shown, string(data))
	},
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxEnvFile+1))
	if err == nil && len(data) > maxEnvFile {
		err = fmt.Errorf("it has more than %d MiB", maxEnvFile>>20)
	}
	return data, err
}

// parseEnv reads lines of KEY=VALUE. Nothing is expanded in them.
func (d *decoder) parseEnv(file, data string) (env []string, good bool) {
	good = true
	for i, line := range strings.Split(string(normal([]byte(data))), "\n") {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		kv, message, hint := envLine(text)
		if message == "" {
			env = append(env, kv)
			continue
		}
		good = false
		before := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		d.add(Problem{
			File: file, Line: i + 1, Column: utf8.RuneCountInString(before) + 1, width: utf8.RuneCountInString(text),
			Source: line, Message: message, Hint: hint,
		})
	}
	return env, good
}

func envLine(line string) (kv, message, hint string) {
	if rest, ok := strings.CutPrefix(line, "export "); ok {
		line = strings.TrimSpace(rest)
	}
	key, raw, ok := strings.Cut(line, "=")
	key, raw = strings.TrimSpace(key), strings.TrimSpace(raw)
	switch {
	case !ok:
		return "", "a line without =", "write KEY=VALUE, or # before a comment"
	case !variableName.MatchString(key):
		return "", fmt.Sprintf("%q is not the name of a variable", shorten(key)), "names have letters, digits and _"
	case !utf8.ValidString(raw):
		return "", "the value is not in UTF-8", ""
	case strings.IndexByte(raw, 0) >= 0:
		return "", "a value cannot contain a NUL character", ""
	}
	v, message := envValue(raw)
	return key + "=" + v, message, ""
}

// envValue takes the quotes off a value, or a comment after it.
func envValue(raw string) (value, message string) {
	if raw == "" || raw[0] != '"' && raw[0] != '\'' {
		if i := strings.Index(raw, " #"); i >= 0 {
			raw = strings.TrimSpace(raw[:i])
		}
		return raw, ""
	}
	quote, rest := raw[0], raw[1:]
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		c := rest[i]
		switch {
		case c == quote:
			if after := strings.TrimSpace(rest[i+1:]); after != "" && after[0] != '#' {
				return "", "there is something after the closing quote"
			}
			return b.String(), ""
		case c == '\\' && quote == '"' && i+1 < len(rest):
			i++
			b.WriteString(unescape(rest[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", "the closing quote is missing"
}

// unescape is what a character means after a backslash, between double quotes.
func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case '"', '\\', '$', '`':
		return string(c)
	}
	return `\` + string(c)
}
