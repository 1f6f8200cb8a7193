package offline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOutline(t *testing.T) {
	tree := treeOf(t, nested)
	for lines, want := range map[Lines]string{
		Box: `shop           rest_for_one, at most 2 restarts within 5s
├─ db
├─ web         one_for_all, at most 1 restart within 5s
│  ├─ api
│  └─ deep     one_for_one, at most 1 restart within 5s
│     └─ leaf
└─ report
`,
		ASCII: "shop           rest_for_one, at most 2 restarts within 5s\n" +
			"|- db\n" +
			"|- web         one_for_all, at most 1 restart within 5s\n" +
			"|  |- api\n" +
			"|  `- deep     one_for_one, at most 1 restart within 5s\n" +
			"|     `- leaf\n" +
			"`- report\n",
	} {
		if d := cmp.Diff(want, tree.outline(lines)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// Columns are lined up by what is seen, and are not there where nothing is.
func TestTable(t *testing.T) {
	rows := table{head: []string{"A", "NOTHING", "B"}}
	rows.row("日本", "", "wide")
	rows.row("x", "", "")
	rows.row("narrow", "", "x")
	want := "A       B\n日本    wide\nx\nnarrow  x\n"
	if d := cmp.Diff(want, rows.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	bare := table{}
	bare.row("a", "b")
	if got := bare.String(); got != "a  b\n" {
		t.Errorf("without a heading: %q", got)
	}
}

func TestLinesFor(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want Lines
	}{
		{nil, ASCII},
		{map[string]string{"LANG": "C"}, ASCII},
		{map[string]string{"LANG": "de_DE.UTF-8"}, Box},
		{map[string]string{"LANG": "en_US.utf8"}, Box},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, ASCII},
		{map[string]string{"LANG": "C", "LC_CTYPE": "C.UTF-8"}, Box},
		{map[string]string{"LC_CTYPE": "C.UTF-8", "LC_ALL": "C"}, ASCII},
	} {
		if got := LinesFor(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %q", c.env, got)
		}
	}
}
