package load

import (
	"fmt"
	"strings"

	"github.com/coppice-go/coppice/tree"
	"github.com/coppice-go/coppice/tree/internal/nearest"
)

// Nearest returns the path of the program of the tree that is likely to be meant
// by one that there is not: one that ends with it ("cache" for "shop/web/cache"),
// or else that with the fewest letters to change. It is "" where more than half
// would have to be changed.
func (f *File) Nearest(path string) string {
	return nearest.Path(path, tree.Describe(f.Name, f.Spec).Workers())
}

// didYouMean names the candidate that word was probably meant to be; it is empty
// if there is none.
func didYouMean(word string, candidates []string) string {
	if best := nearest.Word(word, candidates); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

// list is "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// either is "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
