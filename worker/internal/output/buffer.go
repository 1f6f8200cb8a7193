package output

import "sync"

const (
	readSize  = 32 << 10
	largeSize = 256 << 10 // for a busy stream

	// little is what is not worth a buffer, or a read.
	little = 4 << 10

	// headroom is how long a partial line may be so that the rest of it can be
	// read behind it.
	headroom = 4 << 10
)

// buffer is what one read brings. It is lent to a stream for as long as it
// takes to deal with that: a silent child holds none.
type buffer struct {
	mem        []byte
	start, end int
	pool       *sync.Pool
}

var smallBuffers, largeBuffers sync.Pool

func init() {
	smallBuffers.New = newBuffer(&smallBuffers, readSize)
	largeBuffers.New = newBuffer(&largeBuffers, largeSize)
}

func newBuffer(pool *sync.Pool, size int) func() any {
	return func() any { return &buffer{mem: make([]byte, headroom+size), pool: pool} }
}

func borrow(large bool) *buffer {
	pool := &smallBuffers
	if large {
		pool = &largeBuffers
	}
	return pool.Get().(*buffer)
}

func (b *buffer) giveBack() {
	if b != nil {
		b.pool.Put(b)
	}
}

// space is where to read to.
func (b *buffer) space() []byte { return b.mem[headroom:] }

// filled says how many bytes were read.
func (b *buffer) filled(n int) { b.start, b.end = headroom, headroom+n }

func (b *buffer) data() []byte { return b.mem[b.start:b.end] }

// prepend puts at most headroom bytes before the data.
func (b *buffer) prepend(p []byte) []byte {
	b.start = headroom - len(p)
	copy(b.mem[b.start:], p)
	return b.data()
}
