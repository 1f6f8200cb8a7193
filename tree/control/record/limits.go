package record

// Limits bound what a [Book] keeps. Of each field 0, and what is less, stands for
// the default, which is told here.
type Limits struct {
	Lines  int // of output, for each incarnation; 1000
	Bytes  int // of the text of those lines; 256 KiB. A longer line is cut
	Gone   int // children that are no more whose output is kept still; 256
	Behind int // lines that a follower may fall behind before it loses some; 4096
	Events int // of the tree; 10,000
	Exits  int // of each child; 10
	Deaths int // exits of all children together; 20,000
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Lines:  orDefault(l.Lines, 1000),
		Bytes:  orDefault(l.Bytes, 256<<10),
		Gone:   orDefault(l.Gone, 256),
		Behind: orDefault(l.Behind, 4096),
		Events: orDefault(l.Events, 10_000),
		Exits:  orDefault(l.Exits, 10),
		Deaths: orDefault(l.Deaths, 20_000),
	}
}

func orDefault(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}
