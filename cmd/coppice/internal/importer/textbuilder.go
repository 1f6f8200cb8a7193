package importer

import "strings"

// textBuilder puts a text for the loader together, of literal pieces and variables.
// A $ at the end of one piece may mean something with the beginning of the next, so
// literal pieces are kept until they are whole.
type textBuilder struct{ done, piece strings.Builder }

func (b *textBuilder) literal(s string) { b.piece.WriteString(s) }

// variable adds a ${…}.
func (b *textBuilder) variable(s string) {
	b.done.WriteString(strings.TrimSuffix(literal(b.piece.String()+"{"), "{"))
	b.piece.Reset()
	b.done.WriteString(s)
}

func (b *textBuilder) String() string { return b.done.String() + literal(b.piece.String()) }
