package offline

import (
	"iter"

	"github.com/coppice-go/coppice/cmd/coppice/internal/nearest"
)

// didYouMean says what was probably meant by a path that is none of them.
func didYouMean(path string, all iter.Seq[string]) string {
	if best := nearest.Path(path, all); best != "" {
		return "did you mean " + best + "?"
	}
	return "`coppice check` lists all of them"
}
