package offline

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// odd are ids that mean something to a language of graphs, or to HTML.
var odd = []string{
	`quote"d`, `"`, `back\slash`, `\`, `\n`, `\G \N`, `<b>bold<br>`, `a & b`, `&amp;`, `#quot;`, `#35;`, "`code`", `end`, `graph`, `subgraph`,
	`a --> b`, `] ) } |`, `;`, `%% no comment`, `%s %d`, `ünï 日本`, `:::class`, `'single'`, `n0`, "\u202eright to left",
}

func oddTree(t *testing.T) *Tree {
	yaml := "name: root\nstrategy: dependents\nchildren:\n"
	for i, id := range odd {
		needs := ""
		if i > 0 {
			needs = fmt.Sprintf(", needs: [%q]", odd[i-1])
		}
		yaml += fmt.Sprintf("  - {id: %q, command: [x]%s}\n", id, needs)
	}
	return treeOf(t, yaml)
}

// Each id can be read back from its label, which never ends early, and the edges
// are between those that they should be between.
func TestGraph(t *testing.T) {
	for format, c := range map[string]struct {
		label, child, needs *regexp.Regexp
		read                func(string) string
	}{
		// Graphviz takes the escapes out of a string and then the entities.
		"dot": {
			regexp.MustCompile(`(?m)^  (n\d+) \[shape=box, (?:style=rounded, )?label="((?:[^"\\]|\\.)*)"\];$`),
			regexp.MustCompile(`(?m)^  (n\d+) -> (n\d+);$`), regexp.MustCompile(`(?m)^  (n\d+) -> (n\d+) \[style=dashed, `),
			func(s string) string {
				return html.UnescapeString(regexp.MustCompile(`\\(.)`).ReplaceAllString(s, "$1"))
			},
		},
		// Mermaid makes entities of what is between # and ;, and HTML of a label.
		"mermaid": {
			regexp.MustCompile(`(?m)^  (n\d+)(?:\[|\(\[)"([^"]*)"(?:\]|\]\))$`),
			regexp.MustCompile(`(?m)^  (n\d+) --> (n\d+)$`), regexp.MustCompile(`(?m)^  (n\d+) -\. needs \.-> (n\d+)$`),
			func(s string) string {
				return html.UnescapeString(regexp.MustCompile(`#\w+;`).ReplaceAllStringFunc(s, func(m string) string {
					if m[1] >= '0' && m[1] <= '9' {
						return "&" + m
					}
					return "&" + m[1:]
				}))
			},
		},
	} {
		var b strings.Builder
		if err := oddTree(t).Graph(&b, Box, format); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, id := range odd {
			want = append(want, printable(id))
		}
		labels := c.label.FindAllStringSubmatch(b.String(), -1)
		for i, m := range labels {
			if m[1] != fmt.Sprintf("n%d", i) {
				t.Errorf("%s: node %d is %s", format, i, m[1])
			}
			if i > 0 {
				got = append(got, c.read(m[2]))
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s, labels (-want +got):\n%s", format, d)
		}
		wantEdges, gotEdges := []string{}, []string{}
		for i := range odd {
			wantEdges = append(wantEdges, fmt.Sprintf("child n0 n%d", i+1))
		}
		for i := 1; i < len(odd); i++ {
			wantEdges = append(wantEdges, fmt.Sprintf("needs n%d n%d", i+1, i))
		}
		for _, m := range c.child.FindAllStringSubmatch(b.String(), -1) {
			gotEdges = append(gotEdges, "child "+m[1]+" "+m[2])
		}
		for _, m := range c.needs.FindAllStringSubmatch(b.String(), -1) {
			gotEdges = append(gotEdges, "needs "+m[1]+" "+m[2])
		}
		if d := cmp.Diff(wantEdges, gotEdges); d != "" {
			t.Errorf("%s, edges (-want +got):\n%s", format, d)
		}
		head, tail := 1, 0
		if format == "dot" {
			head, tail = 3, 1
		}
		if lines := strings.Count(b.String(), "\n"); lines != head+len(labels)+len(gotEdges)+tail {
			t.Errorf("%s has %d lines, among them what is neither a node nor an edge:\n%s", format, lines, &b)
		}
	}
}
