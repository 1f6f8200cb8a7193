package strategies

import (
	"context"
	"fmt"
)

// Cascade names everything that follows from one failure: the child that
// failed first and which of its incarnations that was. It goes up with the
// error when a supervisor gives up, and down with the context when children
// are started because of it. The zero Cascade is no cascade: an ordinary boot
// or an ordered stop.
type Cascade struct {
	Origin string `json:"origin"` // path of the child that failed first
	N      uint64 `json:"n"`      // its incarnation that failed
}

// IsZero reports whether c is no cascade at all.
func (c Cascade) IsZero() bool { return c == Cascade{} }

func (c Cascade) String() string {
	if c.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s#%d", c.Origin, c.N)
}

// ChildRef tells a child who it is. Every context that a supervisor hands to a
// child carries one; see [ChildFrom].
type ChildRef struct {
	Path        string  // ids from the root down, joined with "/"
	Incarnation uint64  // counts the starts under this path, from 1
	Cascade     Cascade // the cascade that caused this start, if any
}

// ChildRefKey is the key under which a context carries a *ChildRef. A runner
// whose contexts answer it themselves need not use [WithChild].
type ChildRefKey struct{}

// WithChild returns a context that carries ref.
func WithChild(ctx context.Context, ref ChildRef) context.Context {
	return context.WithValue(ctx, ChildRefKey{}, &ref)
}

// ChildFrom returns the reference that ctx carries, if it carries one.
func ChildFrom(ctx context.Context) (ChildRef, bool) {
	if ref, ok := ctx.Value(ChildRefKey{}).(*ChildRef); ok {
		return *ref, true
	}
	return ChildRef{}, false
}
