package load

import (
	"os"
	"testing"
)

// Whatever a file has in it, it is read, or refused with problems that have a
// place.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"good", "bad"} {
		for _, path := range corpus(f, dir, 1) {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	withLimits(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := Parse("testdata/good/fuzz.yaml", data, Options{LookupEnv: lookup})
		switch {
		case err != nil:
			sound(t, "testdata/good/fuzz.yaml", err)
			if err.Error() == "" {
				t.Error("the error says nothing")
			}
		case len(tree.Spec.Children) == 0 || len(tree.Commands) == 0:
			t.Errorf("accepted without anything to run: %q", data)
		}
	})
}
