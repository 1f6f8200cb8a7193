package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree"
)

// TestReloadEdits changes the file of a running tree a hundred times at random, and
// looks at the processes each time: those that nothing was said of, and that share
// nobody's fate, are the same; all others are what the file says. An edit that makes
// no sense changes nothing.
func TestReloadEdits(t *testing.T) {
	edits := 100
	if testing.Short() {
		edits = 15
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &gardener{random: rand.New(rand.NewPCG(seed, 1))}
	root := g.supervisor(3)
	for len(root.programs("t")) < 6 {
		root = g.supervisor(3)
	}
	file := filepath.Join(t.TempDir(), "t.yaml")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(root.yaml())
	r := runFile(t, file)
	r.await(1, "-- t: started")
	pids := r.pids()
	kept, broken := 0, 0
	for n := range edits {
		if n%5 == 4 {
			wrong := g.nonsense(root)
			put(wrong)
			refusedReload(t, r, file)
			if got := r.pids(); !maps.Equal(pids, got) {
				t.Fatalf("an edit that was refused changed something:\n%s\nbefore %v\nafter  %v", wrong, pids, got)
			}
			broken++
			continue
		}
		next := root.clone()
		for range 1 + g.random.IntN(3) {
			g.edit(next)
		}
		put(next.yaml())
		planned := r.ask("reload", "--dry-run", "-o", "json")
		if got := r.pids(); !maps.Equal(pids, got) {
			t.Fatalf("a dry run changed something: before %v, after %v", pids, got)
		}
		done := r.ask("reload", "-o", "json")
		samePlan(t, planned, done)
		got := r.pids()
		stay := unaffected("t", root, next)
		for path := range next.programs("t") {
			switch was, is := pids[path], got[path]; {
			case is == 0:
				t.Fatalf("edit %d: %s does not run\n%s\n%s\n%s", n, path, root.yaml(), next.yaml(), r.log())
			case stay[path] && was != is:
				t.Fatalf("edit %d: %s was pid %d and is %d, and nothing was said of it\n%s\n%s\n%s", n, path, was, is, root.yaml(), next.yaml(), done)
			case stay[path]:
				kept++
			case was == is:
				t.Fatalf("edit %d: %s is pid %d still\n%s\n%s\n%s", n, path, is, root.yaml(), next.yaml(), done)
			}
		}
		if want := len(next.programs("t")); len(got) != want {
			t.Fatalf("edit %d: there are %v, want %d programs\n%s", n, got, want, next.yaml())
		}
		for _, pid := range pids {
			if !slices.Contains(slices.Collect(maps.Values(got)), pid) {
				waitGone(t, pid)
			}
		}
		root, pids = next, got
	}
	t.Logf("%d pids were kept, %d edits refused", kept, broken)
	if kept < 2*edits {
		t.Errorf("that is too little to mean much")
	}
	r.ask("stop", "t")
	if status := r.wait(); status != exit.Clean {
		t.Errorf("status %d", status)
	}
}

// pids are the processes of the tree, by path.
func (r *liveRun) pids() map[string]int {
	r.t.Helper()
	var s tree.Snapshot
	if err := json.Unmarshal([]byte(r.ask("ps", "-o", "json")), &s); err != nil {
		r.t.Fatal(err)
	}
	pids := map[string]int{}
	var walk func(st *tree.Status)
	walk = func(st *tree.Status) {
		if st.PID != 0 && st.State == strategies.Up {
			pids[st.Path] = st.PID
		}
		if st.Supervisor != nil {
			for i := range st.Supervisor.Children {
				walk(&st.Supervisor.Children[i])
			}
		}
	}
	walk(&s.Root)
	return pids
}

// samePlan holds what was done against what was to be done.
func samePlan(t *testing.T, planned, done string) {
	t.Helper()
	var a, b map[string]any
	if err := json.Unmarshal([]byte(planned), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(done), &b); err != nil {
		t.Fatal(err)
	}
	if a["dry_run"] != true || b["dry_run"] != nil {
		t.Errorf("dry_run is %v, then %v", a["dry_run"], b["dry_run"])
	}
	for _, key := range []string{"changes", "differences"} {
		x, _ := json.Marshal(a[key])
		y, _ := json.Marshal(b[key])
		if !bytes.Equal(x, y) {
			t.Fatalf("planned %s\ndone    %s", x, y)
		}
	}
}

func refusedReload(t *testing.T, r *liveRun, file string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := r.coppice("reload")
	cmd.Stderr = &stderr
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != exit.Usage || !strings.Contains(stderr.String(), file+":") {
		t.Fatalf("status %d: %s", cmd.ProcessState.ExitCode(), &stderr)
	}
}

// plant is a child of a tree file, or the root.
type plant struct {
	id, word, env string // of a program
	restart       string
	strategy      string // of a supervisor
	max           int
	needs         []string
	children      []*plant
}

func (p *plant) supervises() bool { return p.strategy != "" }

func (p *plant) clone() *plant {
	c := *p
	c.needs = slices.Clone(p.needs)
	c.children = nil
	for _, k := range p.children {
		c.children = append(c.children, k.clone())
	}
	return &c
}

// programs are those at or below p.
func (p *plant) programs(path string) map[string]*plant {
	all := map[string]*plant{}
	if !p.supervises() {
		all[path] = p
	}
	for _, k := range p.children {
		maps.Copy(all, k.programs(path+"/"+k.id))
	}
	return all
}

func (p *plant) yaml() string {
	var b strings.Builder
	b.WriteString("name: t\n")
	p.keys(&b, "")
	return b.String()
}

func (p *plant) keys(b *strings.Builder, indent string) {
	line := func(format string, args ...any) { fmt.Fprintf(b, indent+format+"\n", args...) }
	if p.restart != "" {
		line("restart: %s", p.restart)
	}
	if len(p.needs) > 0 {
		line("needs: [%s]", strings.Join(p.needs, ", "))
	}
	if !p.supervises() {
		line("command: [sh, -c, 'exec sleep 1000', %q]", p.word)
		line("stop: {timeout: 2s}")
		if p.env != "" {
			line("env: {WORD: %q}", p.env)
		}
		return
	}
	line("strategy: %s", p.strategy)
	line("intensity: {max: %d, within: 5s}", p.max)
	line("children:")
	for _, k := range p.children {
		line("  - id: %q", k.id)
		k.keys(b, indent+"    ")
	}
}

// gardener makes trees, and changes them.
type gardener struct{ random *rand.Rand }

func (g *gardener) n(max int) int { return g.random.IntN(max) }

func pickOf[E any](g *gardener, list ...E) E { return list[g.n(len(list))] }

func (g *gardener) word() string { return fmt.Sprintf("w%d", g.n(1000)) }

func (g *gardener) supervisor(depth int) *plant {
	p := &plant{strategy: pickOf(g, "one_for_one", "one_for_one", "one_for_all", "rest_for_one", "dependents"), max: 1 + g.n(5)}
	for range 1 + g.n(4) {
		g.add(p, depth-1)
	}
	return p
}

func (g *gardener) add(p *plant, depth int) {
	ids := []string{"a", "b", "c", "d", "e", "f"}
	k := &plant{word: g.word()}
	if depth > 0 && g.n(3) == 0 {
		k = g.supervisor(depth)
	}
	k.id = pickOf(g, ids...)
	if slices.ContainsFunc(p.children, func(o *plant) bool { return o.id == k.id }) {
		return
	}
	if p.strategy == "dependents" {
		for _, o := range p.children {
			if g.n(3) == 0 {
				k.needs = append(k.needs, o.id)
			}
		}
	}
	p.children = slices.Insert(p.children, g.n(len(p.children)+1), k)
}

// edit changes one thing somewhere.
func (g *gardener) edit(root *plant) {
	p := root
	depth := 3
	for g.n(2) == 0 {
		var below []*plant
		for _, k := range p.children {
			if k.supervises() {
				below = append(below, k)
			}
		}
		if below == nil {
			break
		}
		p, depth = pickOf(g, below...), depth-1
	}
	i := g.n(len(p.children))
	k := p.children[i]
	switch g.n(9) {
	case 0, 1:
		g.add(p, depth-1)
	case 2:
		if len(p.children) == 1 {
			break // a supervisor in a file has children
		}
		for _, o := range p.children {
			o.needs = slices.DeleteFunc(o.needs, func(id string) bool { return id == k.id })
		}
		p.children = slices.Delete(p.children, i, i+1)
	case 3:
		if !k.supervises() {
			k.word = g.word()
		}
	case 4:
		if !k.supervises() {
			k.env = g.word()
		}
	case 5:
		g.random.Shuffle(len(p.children), func(i, j int) { p.children[i], p.children[j] = p.children[j], p.children[i] })
	case 6:
		p.strategy = pickOf(g, "one_for_one", "one_for_all", "rest_for_one", "dependents")
		if p.strategy != "dependents" {
			for _, o := range p.children {
				o.needs = nil
			}
		}
	case 7:
		p.max = 1 + g.n(5)
		if !k.supervises() {
			k.restart = pickOf(g, "permanent", "transient", "")
		}
	case 8: // a program comes to be a supervisor, or the reverse
		if depth > 1 {
			other := &plant{word: g.word()}
			if !k.supervises() {
				other = g.supervisor(depth - 1)
			}
			other.id, other.needs = k.id, k.needs
			p.children[i] = other
		}
	}
}

// nonsense is a file that must be refused.
func (g *gardener) nonsense(root *plant) string {
	wrong := root.clone()
	g.edit(wrong)
	text := wrong.yaml()
	switch g.n(5) {
	case 0:
		return strings.Replace(text, "strategy: ", "strategy: all_for_", 1)
	case 1:
		return text + "  - {id: x}\n"
	case 2:
		return strings.Replace(text, "max: ", "max: -", 1)
	case 3:
		return text + "\tchildren"
	default:
		return strings.Replace(text, "name: t\n", "name: other\n", 1)
	}
}

// unaffected are the programs that must keep their process: those that are in both
// files and say the same, below supervisors that are in both, without anybody on the
// way whose fate they share in the new one and that runs something else.
func unaffected(path string, old, now *plant) map[string]bool {
	before := map[string]*plant{}
	for _, k := range old.children {
		before[k.id] = k
	}
	changed := map[string]bool{} // ids
	for _, k := range now.children {
		was := before[k.id]
		if was != nil && (was.supervises() != k.supervises() || was.word != k.word || was.env != k.env) {
			changed[k.id] = true
		}
	}
	restarts := map[string]bool{}
	for i, k := range now.children {
		if !changed[k.id] {
			continue
		}
		restarts[k.id] = true
		switch now.strategy {
		case "one_for_all":
			for _, o := range now.children {
				restarts[o.id] = true
			}
		case "rest_for_one":
			for _, o := range now.children[i:] {
				restarts[o.id] = true
			}
		case "dependents":
			fated := map[string]bool{k.id: true}
			for again := true; again; {
				again = false
				for _, o := range now.children {
					if !fated[o.id] && slices.ContainsFunc(o.needs, func(id string) bool { return fated[id] }) {
						fated[o.id], again = true, true
					}
				}
			}
			maps.Copy(restarts, fated)
		}
	}
	stay := map[string]bool{}
	for _, k := range now.children {
		was := before[k.id]
		switch {
		case was == nil || restarts[k.id]:
		case k.supervises():
			maps.Copy(stay, unaffected(path+"/"+k.id, was, k))
		default:
			stay[path+"/"+k.id] = true
		}
	}
	return stay
}
