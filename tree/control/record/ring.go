package record

// ring is a queue in a slice that is used again. It has room for at most twice
// of what it ever held.
type ring[T any] struct {
	buf  []T
	head int // the oldest
	n    int
}

func (r *ring[T]) len() int { return r.n }

// at returns the i-th, counted from the oldest.
func (r *ring[T]) at(i int) *T { return &r.buf[(r.head+i)%len(r.buf)] }

func (r *ring[T]) push(v T) {
	if r.n == len(r.buf) {
		grown := make([]T, max(8, 2*r.n))
		for i := range r.n {
			grown[i] = *r.at(i)
		}
		r.buf, r.head = grown, 0
	}
	r.n++
	*r.at(r.n - 1) = v
}

func (r *ring[T]) pop() T {
	var zero T
	v := r.buf[r.head]
	r.buf[r.head] = zero // what it refers to is let go
	r.head = (r.head + 1) % len(r.buf)
	r.n--
	return v
}

// newest returns what was pushed last.
func (r *ring[T]) newest() T { return *r.at(r.n - 1) }
