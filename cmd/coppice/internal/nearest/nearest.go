// Package nearest finds the path that somebody meant who gave one that there is
// not.
package nearest

import (
	"iter"
	"strings"
)

const (
	longest = 256    // the length of a path that somebody may have meant
	most    = 10_000 // how many paths are looked at
)

// Path returns the path that is likely to be meant: one that ends with what was
// given, for people leave out the beginning, or else that with the fewest letters
// to change. It is "" where more than half would have to be changed.
func Path(given string, all iter.Seq[string]) string {
	if len(given) > longest {
		return ""
	}
	tail := "/" + strings.Trim(given, "/")
	best, least, n := "", 1+len(given)/2, 0
	for path := range all {
		if strings.HasSuffix(path, tail) {
			return path
		}
		if d := distance(given, path); d < least {
			best, least = path, d
		}
		if n++; n == most {
			break
		}
	}
	return best
}

// distance is how many bytes must be put in, taken out or exchanged to make b of
// a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
