package importer

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyText has what is special to YAML, to the loader, or to a shell more often than
// not, and anything else that can be a text of a program.
var anyText = rapid.Custom(func(t *rapid.T) string {
	pieces := rapid.SliceOfN(rapid.OneOf(
		rapid.SampledFrom(strings.Split("$|${|}|$$|${A:-b}|:| :|: | #|#|'|\"|\\|-|- |[|]|{|}|,|*|&|!|%|@|`|~|?|>|=|true|null|1e3|0x1|.5|yes|\n|\t| |\r|\u00a0|\u2028|ünï|日本|a|b|\x7f|\x1b", "|")),
		rapid.StringN(0, 4, 8),
	), 0, 8).Draw(t, "pieces")
	return strings.ToValidUTF8(strings.ReplaceAll(strings.Join(pieces, ""), "\x00", ""), "")
})

// Whatever a text is, the loader finds it again.
func TestTextsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		arg, value, line, id := anyText.Draw(t, "arg"), anyText.Draw(t, "value"), anyText.Draw(t, "line"), asID(anyText.Draw(t, "id"))
		c := &child{id: id, command: []string{"x", literal(arg)}}
		c.setEnv("A", literal(value))
		c.note("%s", value)
		root := &child{id: "t", children: []*child{c, {id: "left out", command: []string{literal(arg)}, shell: literal(line), off: true}}}
		if strings.TrimSpace(line) != "" {
			root.children = append(root.children, &child{id: "shell", shell: literal(line)})
		}
		root.rename()
		r := &Result{YAML: root.write("file", PM2)}
		f, err := Check("tree.yaml", r)
		if err != nil {
			t.Fatalf("%v in\n%s", err, r.YAML)
		}
		got := f.Commands["t/"+c.id]
		if !slices.Equal(got.Args, []string{arg}) || !slices.Equal(got.Env, []string{"A=" + value}) {
			t.Fatalf("got %q %q, want %q %q, from\n%s", got.Args, got.Env, arg, value, r.YAML)
		}
		if shell := f.Commands["t/shell"]; strings.TrimSpace(line) != "" && c.id != "shell" && shell.Args[1] != line {
			t.Fatalf("got %q, want %q, from\n%s", shell.Args[1], line, r.YAML)
		}
	})
}

// A variable after a text that ends with a dollar is still one.
func TestTextBuilder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b textBuilder
		want := ""
		for range rapid.IntRange(0, 6).Draw(t, "pieces") {
			if rapid.Bool().Draw(t, "variable") {
				b.variable("${V:-}")
				want += "1" // see anyEnv
				continue
			}
			s := anyText.Draw(t, "text")
			b.literal(s)
			want += s
		}
		root := &child{id: "t", children: []*child{{id: "a", command: []string{"x", b.String()}}}}
		f, err := Check("tree.yaml", &Result{YAML: root.write("", Unknown)})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Commands["t/a"].Args[0]; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// Any file has a tree or problems; the tree is valid.
func FuzzImport(f *testing.F) {
	for format, paths := range files {
		for _, p := range paths {
			data := read(f, dir+"/"+p)
			f.Add(uint8(format), string(data))
		}
	}
	f.Fuzz(func(t *testing.T, format uint8, data string) {
		from := Format(1 + format%4)
		if from == Supervisord && strings.Contains(data, "include") {
			t.Skip("other files are not to be looked for")
		}
		r, err := Import(t.TempDir()+"/file", []byte(data), Options{From: from, Name: "t"})
		if err != nil {
			if list, ok := err.(Error); !ok || len(list) == 0 || list[0].Line < 1 || list[0].File == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		if _, err := Check("tree.yaml", r); err != nil {
			t.Fatalf("%v in\n%s", err, r.YAML)
		}
	})
}
