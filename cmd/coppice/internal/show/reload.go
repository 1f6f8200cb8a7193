package show

import (
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/tree/control"
)

// Reload tells what a reload does, a child a line: what is done to it, and why.
func Reload(r control.Reload) string {
	said := make(map[string][]control.Difference)
	var order []string
	for _, d := range r.Differences {
		if said[d.Path] == nil {
			order = append(order, d.Path)
		}
		said[d.Path] = append(said[d.Path], d)
	}
	var rows [][3]string
	for _, c := range r.Changes {
		row := [3]string{c.Change.String(), c.Path}
		if c.Change == strategies.ChildRenewed {
			row[0] = "restarted"
			row[2] = whyRenewed(said[c.Path], c.With)
			delete(said, c.Path)
		}
		rows = append(rows, row)
	}
	for _, path := range order {
		switch up := renewedAbove(r, path); {
		case said[path] == nil:
		case up != "":
			rows = append(rows, [3]string{"restarted", path, "is below " + up + "; " + differences(said[path])})
		default:
			rows = append(rows, [3]string{"changed", path, differences(said[path])})
		}
	}
	width := 0
	for _, row := range rows {
		width = max(width, len(row[1]))
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-9s  %-*s  %s", row[0], width, row[1], row[2]), " ") + "\n")
	}
	return b.String()
}

// renewedAbove is the path of the child above that is restarted, and all below it with
// it; empty if none is.
func renewedAbove(r control.Reload, path string) string {
	for _, c := range r.Changes {
		if c.Change == strategies.ChildRenewed && c.Path != path && Under(path, c.Path) {
			return c.Path
		}
	}
	return ""
}

func whyRenewed(said []control.Difference, with string) string {
	var parts []string
	if with != "" {
		parts = append(parts, "shares the fate of "+with)
	}
	if len(said) > 0 {
		parts = append(parts, differences(said))
	}
	if parts == nil {
		return "could not be started before"
	}
	return strings.Join(parts, "; ")
}

// differences tells what is said otherwise. Values of variables are not told.
func differences(said []control.Difference) string {
	var parts []string
	for _, d := range said {
		switch variable := strings.HasPrefix(d.Key, "env."); {
		case variable && d.New == "":
			parts = append(parts, d.Key+" is not set any more")
		case variable:
			parts = append(parts, d.Key+" is "+d.New)
		default:
			parts = append(parts, fmt.Sprintf("%s: %s → %s", d.Key, value(d.Old), value(d.New)))
		}
	}
	return strings.Join(parts, "; ")
}

// valueWidth is how much of a value is shown.
const valueWidth = 40

func value(v string) string {
	if v == "" {
		return "(not set)"
	}
	if runes := []rune(v); len(runes) > valueWidth {
		return string(runes[:valueWidth-1]) + "…"
	}
	return v
}

// ReloadSummary is the same in one line.
func ReloadSummary(r control.Reload) string {
	counts := map[strategies.Change]int{}
	touched := map[string]bool{}
	for _, c := range r.Changes {
		counts[c.Change]++
		touched[c.Path] = true
	}
	changed := map[string]bool{}
	for _, d := range r.Differences {
		if !touched[d.Path] && renewedAbove(r, d.Path) == "" {
			changed[d.Path] = true
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{counts[strategies.ChildAdded], "added"}, {counts[strategies.ChildRemoved], "removed"},
		{counts[strategies.ChildRenewed], "restarted"}, {len(changed), "changed without a restart"},
		{len(r.Failed), "could not be started"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	text := r.File + ": " + strings.Join(parts, ", ")
	switch {
	case r.Down:
		text = r.File + ": the tree does not run now, and will be started with this"
	case parts == nil:
		text += "nothing has changed"
	}
	if r.DryRun {
		text += " (dry run: nothing was done)"
	}
	return text
}
