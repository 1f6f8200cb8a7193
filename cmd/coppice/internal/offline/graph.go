package offline

import (
	"fmt"
	"io"
	"strings"
)

// Formats are the forms that a graph can have.
var Formats = []string{"text", "mermaid", "dot"}

// Graph writes the tree, with its strategies and with what needs what, in one of
// the Formats.
func (t *Tree) Graph(w io.Writer, l Lines, format string) error {
	var out string
	switch format {
	case "text":
		out = t.outline(l)
	case "mermaid":
		out = t.graph(mermaid)
	case "dot":
		out = t.graph(dot)
	}
	_, err := io.WriteString(w, out)
	return err
}

func (t *Tree) outline(l Lines) string {
	rows := table{}
	for n := range nodes(t.root) {
		about := ""
		switch {
		case n.tree != nil:
			about = strategy(&n.tree.Config)
		case n.spec.Needs != nil:
			about = "needs " + joined(n.spec.Needs)
		}
		if n.tree != nil && n.spec.Needs != nil {
			about += ", needs " + joined(n.spec.Needs)
		}
		rows.row(l.lead(n.last)+printable(n.id), about)
	}
	return rows.String()
}

// dialect is how a language of graphs says things. The nodes are named n0, n1 and
// so on, so that ids are only ever in labels.
type dialect struct {
	head, tail string
	supervisor string // format of a node, with its name, id and strategy
	program    string // format of a node, with its name and id
	child      string // format of an edge, from and to
	needs      string // format of an edge, from and to
	escape     func(string) string
}

var mermaid = dialect{
	head:       "flowchart TD\n",
	supervisor: "  %s[\"%s<br/>%s\"]\n",
	program:    "  %s([\"%s\"])\n",
	child:      "  %s --> %s\n",
	needs:      "  %s -. needs .-> %s\n",
	// Entities are all that it has; < would begin HTML, and ` Markdown.
	escape: strings.NewReplacer(`#`, "#35;", `"`, "#quot;", `&`, "#amp;", `<`, "#lt;", `>`, "#gt;", "`", "#96;", `\`, "#92;").Replace,
}

var dot = dialect{
	head:       "digraph {\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
	supervisor: "  %s [shape=box, label=\"%s\\n%s\"];\n",
	program:    "  %s [shape=box, style=rounded, label=\"%s\"];\n",
	child:      "  %s -> %s;\n",
	needs:      "  %s -> %s [style=dashed, constraint=false, label=needs];\n",
	tail:       "}\n",
	// Labels have the escapes of C and the entities of HTML.
	escape: strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, "&amp;").Replace,
}

func (t *Tree) graph(d dialect) string {
	names := map[string]string{}
	var b, needs strings.Builder
	b.WriteString(d.head)
	for n := range nodes(t.root) {
		name := fmt.Sprintf("n%d", len(names))
		names[n.path] = name
		id := d.escape(printable(n.id))
		if n.tree != nil {
			fmt.Fprintf(&b, d.supervisor, name, id, d.escape(strategy(&n.tree.Config)))
		} else {
			fmt.Fprintf(&b, d.program, name, id)
		}
		if up := parent(n.path); up != "" {
			fmt.Fprintf(&b, d.child, names[up], name)
		}
	}
	for n := range nodes(t.root) {
		for _, id := range n.spec.Needs {
			fmt.Fprintf(&needs, d.needs, names[n.path], names[parent(n.path)+"/"+id])
		}
	}
	return b.String() + needs.String() + d.tail
}
