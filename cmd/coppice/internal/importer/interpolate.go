package importer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// percent is an expression in a value of supervisord: %(name)s, %(name)02d or %%.
var percent = regexp.MustCompile(`%%|%\(([^)]*)\)([0-9]*)([sdi])|%`)

// interpolate replaces the expressions of supervisord in a value. %(ENV_X)s becomes a
// variable of the tree's file, everything else what it is.
func (im *importer) interpolate(s *section, o *option, names map[string]string) string {
	var b textBuilder
	rest := o.value
	for {
		at := percent.FindStringIndex(rest)
		if at == nil {
			b.literal(rest)
			return b.String()
		}
		b.literal(rest[:at[0]])
		m := percent.FindStringSubmatch(rest)
		rest = rest[at[1]:]
		value, known := names[m[1]]
		env, isEnv := strings.CutPrefix(m[1], "ENV_")
		switch n, err := strconv.Atoi(value); {
		case m[0] == "%%":
			b.literal("%")
		case isEnv && envName.MatchString(env):
			b.variable("${" + env + "}")
		case !known:
			im.problem(s.file, o.line, "%s: %s means nothing to supervisord; write %%%% for a %%", o.key, m[0])
		case m[3] != "s" && err == nil:
			b.literal(fmt.Sprintf("%"+m[2]+"d", n))
		default:
			b.literal(value)
		}
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
