package nearest

import (
	"slices"
	"strings"
	"testing"
)

func TestWord(t *testing.T) {
	words := []string{"command", "copies", "env", "env_file", "any_significant", "restart"}
	for given, want := range map[string]string{
		"comand": "command", "commnad": "command", "Command": "command", "copy": "", "ENV": "env", "envfile": "env_file", "any": "any_significant",
		"x": "", "restrat": "restart", "zzzzz": "", "en": "env", strings.Repeat("command", 20): "",
	} {
		if got := Word(given, words); got != want {
			t.Errorf("%.20s: %q, want %q", given, got, want)
		}
	}
}

func TestPath(t *testing.T) {
	paths := []string{"shop", "shop/db", "shop/web", "shop/web/api", "shop/web/cache"}
	for given, want := range map[string]string{
		"shop/web/cahce":         "shop/web/cache",
		"cache":                  "shop/web/cache",
		"web/api":                "shop/web/api",
		"/db/":                   "shop/db",
		"shop/wep":               "shop/web",
		"something/else":         "",
		strings.Repeat("x", 500): "",
	} {
		if got := Path(given, slices.Values(paths)); got != want {
			t.Errorf("%.20s: %q, want %q", given, got, want)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"ü", "u", 1}, {"abc", "abc", 0}, {"abcdef", "badcfe", 3}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
