// Package nearest finds what somebody meant who named what there is not.
package nearest

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	longestWord = 64     // bytes of a word that somebody may have meant
	longestPath = 256    // bytes of a path
	mostPaths   = 10_000 // how many paths are looked at
)

// Word returns the candidate with the least edits from word, if they are few:
// one for every three bytes, one at least. Upper and lower case are the same to
// it. Else it is one that goes on after the word with an underscore: any for
// any_significant. It is "" if there is none.
func Word(word string, candidates []string) string {
	if len(word) > longestWord {
		return ""
	}
	best, least := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if d := edits(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" && len(word) > 2 {
		if i := slices.IndexFunc(candidates, func(c string) bool { return strings.HasPrefix(c, word+"_") }); i >= 0 {
			best = candidates[i]
		}
	}
	return best
}

// Path returns the path that is likely to be meant: one that ends with what was
// given, for people leave out the beginning, or else that with the least edits.
// It is "" where more than half would have to be changed.
func Path(given string, all iter.Seq[string]) string {
	if len(given) > longestPath {
		return ""
	}
	tail := "/" + strings.Trim(given, "/")
	best, least, n := "", 1+utf8.RuneCountInString(given)/2, 0
	for path := range all {
		if strings.HasSuffix(path, tail) {
			return path
		}
		if d := edits(given, path); d < least {
			best, least = path, d
		}
		if n++; n == mostPaths {
			break
		}
	}
	return best
}

// edits is how many characters must be inserted, removed, replaced or swapped
// with their neighbour to make b of a (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			differ := 1
			if x[i] == y[j] {
				differ = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+differ)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
