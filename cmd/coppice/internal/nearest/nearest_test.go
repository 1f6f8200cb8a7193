package nearest

import (
	"slices"
	"strings"
	"testing"
)

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
