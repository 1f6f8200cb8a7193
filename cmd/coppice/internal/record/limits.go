package record

import "cmp"

// Limits bound what a [Book] keeps. Zero stands for the default.
type Limits struct {
	Lines  int // of output, for each incarnation; 1000
	Bytes  int // of the text of those lines; 256 KiB. A longer line is cut
	Gone   int // children that are no more whose output is kept still; 256
	Behind int // lines that a follower may fall behind before it loses some; 4096
	Events int // of the tree; 10,000
	Exits  int // of each child; 10
	Deaths int // exits of all children together; 20,000
}

func (l Limits) orDefault() Limits {
	return Limits{
		Lines:  cmp.Or(l.Lines, 1000),
		Bytes:  cmp.Or(l.Bytes, 256<<10),
		Gone:   cmp.Or(l.Gone, 256),
		Behind: cmp.Or(l.Behind, 4096),
		Events: cmp.Or(l.Events, 10_000),
		Exits:  cmp.Or(l.Exits, 10),
		Deaths: cmp.Or(l.Deaths, 20_000),
	}
}
