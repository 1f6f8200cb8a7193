package importer

import (
	"regexp"
	"strings"
)

// scalars are the scalars of a mapping.
func (im *importer) scalars(n *node, key string) map[string]string {
	all := make(map[string]string)
	if n = im.object(n, key); n != nil {
		for _, kv := range n.pairs {
			if kv.value.scalar() {
				all[kv.key] = kv.value.text
			}
		}
	}
	return all
}

var (
	template = regexp.MustCompile(`\{\{-?\s*\.([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}`)
	dollar   = regexp.MustCompile(`\$(\$|\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*)|[0-9*#@!?-])?`)
)

// filled is a text with its templates {{.NAME}} filled in.
func (p *composed) filled(s string, vars map[string]string) string {
	return template.ReplaceAllStringFunc(s, func(t string) string {
		name := template.FindStringSubmatch(t)[1]
		if v, ok := vars[name]; ok {
			return v
		}
		if v, ok := p.vars[name]; ok {
			return v
		}
		return t
	})
}

// text is one with its templates filled in, and written for the loader.
func (p *composed) text(s string, vars map[string]string) string {
	return p.dollars(p.filled(s, vars))
}

// dollars writes a text for the loader. Process-compose replaces $NAME and ${NAME} all
// over the file, by nothing if there is no such variable, and $$ by $.
func (p *composed) dollars(s string) string {
	return p.quoted(s, func(s string) string { return s })
}

// quoted is dollars of a text whose literal pieces are quoted.
func (p *composed) quoted(s string, quote func(string) string) string {
	if p.verbatim {
		return literal(quote(s))
	}
	var b textBuilder
	for {
		at := dollar.FindStringIndex(s)
		if at == nil {
			b.literal(quote(s))
			return b.String()
		}
		b.literal(quote(s[:at[0]]))
		m := dollar.FindStringSubmatch(s)
		s = s[at[1]:]
		name, instead, _ := strings.Cut(m[2]+m[3], ":-")
		switch {
		case m[1] == "$", m[1] == "":
			b.literal(quote("$"))
		case envName.MatchString(name):
			if v := p.dotenv[name]; v != "" && instead == "" && !strings.Contains(v, "}") {
				instead = v
			}
			b.variable("${" + name + ":-" + instead + "}")
		}
	}
}
