package load

import (
	"slices"
	"strings"
)

// scope is what a supervisor hands down to all that is below it, and what a program
// says for itself.
type scope struct {
	dir      string   // empty: that of the parent
	env      []string // "key=value", in the order of the file
	envFiles [][]string
}

var scopeKeys = []key[scope]{
	field("dir", paths, func(s *scope) *string { return &s.dir },
		"working directory; relative to the directory of the file", defaultTo("the parent's; at the top, the directory of the file"), alsoKnownAs("cwd", "directory", "working_dir", "workdir", "working_directory")),
	field("env", environments, func(s *scope) *[]string { return &s.env },
		"environment variables, with their values; over those of the parent and of `env_file`", alsoKnownAs("environment", "envs", "vars")),
	field("env_file", oneOrMore(envFiles), func(s *scope) *[][]string { return &s.envFiles },
		"files of KEY=VALUE lines; a later one counts more, `env` counts most", writtenAs("path, or a list of paths"), alsoKnownAs("envfile", "env_files", "dotenv")),
}

var environments = value[[]string]{
	what: "mapping of names to values", expected: "a mapping of names to values, as in {PORT: 8080}",
	schema: schema{"type": "object", "propertyNames": schema{"pattern": "^[^=\\x00]+$"},
		"additionalProperties": words("").schema},
	read: func(d *decoder, n *node, expected string) ([]string, bool) {
		if n.kind != mapping {
			d.problem(n.pos, "", "expected %s, found %s", expected, n.describe())
			return nil, false
		}
		env, good := make([]string, 0, len(n.pairs)), true
		for _, p := range n.pairs {
			if p.key == "" || strings.ContainsAny(p.key, "=\x00") {
				d.problem(p.pos, "", "%q cannot be the name of an environment variable", shorten(p.key))
				good = false
				continue
			}
			if p.value.kind == null {
				d.problem(p.value.pos, `write "" if it is to be empty`, "the variable %s has no value", p.key)
				good = false
				continue
			}
			v, ok := d.scalar(p.value, "the value of a variable", text, number, boolean)
			good = good && ok
			env = append(env, p.key+"="+v)
		}
		return env, good
	},
}

// within is the scope of something below parent.
func (s *scope) within(parent inherited) inherited {
	if s.dir != "" {
		parent.dir = s.dir
	}
	if s.env == nil && s.envFiles == nil {
		return parent
	}
	parent.env = overlay(slices.Concat(parent.env, slices.Concat(s.envFiles...), s.env))
	return parent
}

// inherited is what holds at a place of the tree.
type inherited struct {
	dir string
	env []string // each key once
}

// overlay keeps of each variable the last value, in the place of its first.
func overlay(env []string) []string {
	at := make(map[string]int, len(env))
	kept := make([]string, 0, len(env))
	for _, kv := range env {
		key, _, _ := strings.Cut(kv, "=")
		if i, there := at[key]; there {
			kept[i] = kv
			continue
		}
		at[key] = len(kept)
		kept = append(kept, kv)
	}
	return kept
}
