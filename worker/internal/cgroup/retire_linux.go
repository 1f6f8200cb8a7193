package cgroup

import (
	"bytes"
	"container/list"
	"time"

	"golang.org/x/sys/unix"
)

// lingerFor is how long a retired group waits for the next incarnation.
const lingerFor = time.Second

// kind is what the incarnations of a child have in common: a retired group is
// taken only for the same again.
type kind struct {
	name   string // sanitized
	limits Limits
}

// retired are the groups that wait to be taken or to be removed, all of them
// empty. Each keeps its descriptor, for which its child's have been closed: a
// crash of thousands at once does not make more of them, which would slow down
// every fork.
type retired struct {
	queue list.List                // of *Group, the first retired first
	kinds map[kind][]*list.Element // the same, in the same order
	timer *time.Timer              // runs expire when the first's time is over; stopped while there is none
}

// add lets a group wait. Parent.mu is held, here and in the other methods.
func (r *retired) add(g *Group, expire func()) {
	if r.kinds == nil {
		r.kinds = make(map[kind][]*list.Element)
	}
	g.until = time.Now().Add(lingerFor)
	r.kinds[g.kind] = append(r.kinds[g.kind], r.queue.PushBack(g))
	switch {
	case r.timer == nil:
		r.timer = time.AfterFunc(lingerFor, expire)
	case r.queue.Len() == 1:
		r.timer.Reset(lingerFor)
	}
}

// take returns the group of a kind that has waited longest; nil if there is none.
func (r *retired) take(k kind) *Group {
	same := r.kinds[k]
	if len(same) == 0 {
		return nil
	}
	if len(same) == 1 {
		delete(r.kinds, k)
	} else {
		r.kinds[k] = same[1:]
	}
	g := r.queue.Remove(same[0]).(*Group)
	if r.queue.Len() == 0 {
		r.timer.Stop()
	}
	return g
}

// first is the group that has waited longest; nil if there is none.
func (r *retired) first() *Group {
	if e := r.queue.Front(); e != nil {
		return e.Value.(*Group)
	}
	return nil
}

// retire lets an empty group wait for the next of its kind.
func (p *Parent) retire(g *Group) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.living--
	p.retired.add(g, p.expire)
}

// take returns a retired group; nil if there is none of this kind.
func (p *Parent) take(k kind) *Group {
	p.mu.Lock()
	g := p.retired.take(k)
	if g != nil {
		p.living++
	}
	p.mu.Unlock()
	if g == nil || k.limits.Memory == 0 {
		return g
	}
	n, err := oomKills(g.dir)
	if err != nil {
		if g.Remove() != nil {
			g.Abandon()
		}
		return nil
	}
	g.oomBefore = n
	return g
}

// expire removes the retired groups whose time is over.
func (p *Parent) expire() {
	p.clear(func(g *Group) bool { return !time.Now().Before(g.until) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.retired.first(); g != nil {
		p.retired.timer.Reset(time.Until(g.until))
	}
}

// Finish removes the retired groups if there are no others: this may be the end
// of the process. Removing the last of the others does so, too.
func (p *Parent) Finish() {
	p.mu.Lock()
	last := p.living == 0 && p.groups > 0
	p.mu.Unlock()
	if last {
		p.clear(func(*Group) bool { return p.living == 0 })
	}
}

// clear removes retired groups, the first retired first, as long as they are
// due, which is asked with mu held. Each can be taken until its turn comes.
func (p *Parent) clear(due func(*Group) bool) {
	// Whoever comes second waits, so that nothing is left when it returns.
	p.clearing.Lock()
	defer p.clearing.Unlock()
	for {
		p.mu.Lock()
		g := p.retired.first()
		if g == nil || !due(g) {
			p.mu.Unlock()
			return
		}
		p.retired.take(g.kind) // which is g: both orders are the same
		p.mu.Unlock()
		p.expel(g)
	}
}

// expel removes a group that was retired. If somebody has put a process into it
// meanwhile, it is tried again as an abandoned one is.
func (p *Parent) expel(g *Group) {
	g.mu.Lock()
	err := g.removeDir()
	g.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.living++
		p.abandoned = append(p.abandoned, g)
		return
	}
	_ = p.drop() // at worst the next run clears it
}

// reusable reports whether another incarnation can be started in the group as if
// it were new, and sees to it that its descriptor is open. What cannot be found
// out is a no.
//
// That takes five system calls, 25 us against 95 us for removing a group and making
// another. They find that no process is in it; that it is not frozen, in which
// case a new child would not run; that no groups are below it; and
// that it hands no controllers on, which forbids processes in it (cgroups(7), no
// internal processes). Besides, a child can do nothing to its group that keeps
// the next one from running: the kernel lets no cgroup with processes become
// threaded. Limits and weights that were changed from outside stay as they are:
// to write them again would take three system calls each.
//
// That a group was killed from outside cannot be found out; see [Group.Retire].
func (g *Group) reusable() bool {
	if g.fd < 0 {
		if err := g.open(); err != nil {
			return false
		}
	}
	if !g.reads("cgroup.events", "populated 0\nfrozen 0\n") {
		return false
	}
	// The kernel counts the directories below, as everywhere: 2 is none.
	var st unix.Stat_t
	if unix.Fstat(g.fd, &st) != nil || st.Nlink > 2 {
		return false
	}
	return !g.parent.controllers.Load() || g.reads("cgroup.subtree_control", "")
}

// reads reports whether a file of the group, which is a few bytes long, contains
// this. Its descriptor is open.
func (g *Group) reads(name, want string) bool {
	fd, err := unix.Openat(g.fd, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var buf [64]byte
	n, err := unix.Read(fd, buf[:])
	return err == nil && bytes.Equal(buf[:n], []byte(want))
}
