package importer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
)

// child is one of the tree to be: a program, or with children a supervisor. All its
// texts are as they have to be in the file, see [literal].
type child struct {
	id      string
	remarks []remark
	off     bool // it is to be there as a comment only

	restart string // empty: permanent
	needs   []string
	copies  int // 0: it is not copied
	command []string
	shell   string // in place of command
	backoff backoff
	keys    flow // all others

	limit    *limit // of a program that gives up by itself
	children []*child
}

// maxCopies is the most that the loader takes.
const maxCopies = 10_000

// remark is a comment. It is lossy if it says that something was not carried over.
type remark struct {
	text  string
	lossy bool
}

type backoff struct {
	min, max time.Duration
	factor   float64
	reset    time.Duration
}

// limit is how often a program is restarted until it stays down.
type limit struct {
	max    int
	within time.Duration
}

// forEver is as long as anything here is.
const forEver = 10 * 365 * 24 * time.Hour

// times is n of these, but no longer than for ever.
func times(n int, each time.Duration) time.Duration {
	if each > 0 && n > int(forEver/each) {
		return forEver
	}
	return time.Duration(n) * each
}

// limited is a limit of so many restarts within the time that they take, if each run
// takes so long, and each is followed by a pause.
func (b backoff) limited(most int, run time.Duration) *limit {
	return &limit{most, max(time.Second, min(forEver, times(most, run)+b.pauses(most)))}
}

// pauses are how long n of them take.
func (b backoff) pauses(n int) (sum time.Duration) {
	next, most, factor := float64(b.min), float64(max(b.min, b.max)), b.factor
	if factor == 0 {
		factor = 2
	}
	for ; n > 0 && next < most; n-- {
		sum += time.Duration(next)
		next = min(next*factor, most)
	}
	return sum + times(n, time.Duration(next))
}

// flow is a mapping as it is written, in order.
type flow []entry

type entry struct {
	key   string
	value any // string, []string, []int, int, bool, float64, time.Duration, flow or raw
}

// raw is written as it is.
type raw string

func (c *child) set(key string, value any) { c.keys = c.keys.with(key, value) }

// with has the value for the key, in place of the one it had.
func (f flow) with(key string, value any) flow {
	for i := range f {
		if f[i].key == key {
			f[i].value = value
			return f
		}
	}
	return append(f, entry{key, value})
}

func (f flow) get(key string) any {
	for _, e := range f {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// setEnv adds variables to those of the child; a later one counts.
func (c *child) setEnv(name, value string) {
	env, _ := c.keys.get("env").(flow)
	c.set("env", env.with(name, value))
}

// lost says that what there was has no counterpart, and why.
func (c *child) lost(what, why string) {
	c.remarks = append(c.remarks, remark{what + ": not carried over; " + why, true})
}

func (c *child) note(format string, args ...any) {
	c.remarks = append(c.remarks, remark{fmt.Sprintf(format, args...), false})
}

func (c *child) losses() (n int) {
	for _, r := range c.remarks {
		if r.lossy {
			n++
		}
	}
	for _, kid := range c.children {
		n += kid.losses()
	}
	return n
}

// runs reports whether there is a program in it that is started.
func (c *child) runs() bool {
	if c.off {
		return false
	}
	return c.command != nil || c.shell != "" || slices.ContainsFunc(c.children, (*child).runs)
}

// finish adds what follows from the rest: ids that are there once, supervisors for
// those with a limit, intensities.
func (c *child) finish() {
	c.rename()
	for i, kid := range c.children {
		if kid.children != nil {
			kid.off = kid.off || !kid.runs()
			kid.finish()
		} else if kid.limit != nil && !kid.off {
			c.children[i] = kid.alone()
		}
	}
	if max := c.restartsPerSecond(); max > 0 {
		c.set("intensity", flow{{"max", max}, {"within", time.Second}})
		c.note("The intensity is more than the pauses of backoff allow: no program that keeps failing ends the others.")
	}
}

// alone is a supervisor for one program, which gives up without the others.
func (c *child) alone() *child {
	s := &child{id: c.id, restart: "transient", needs: c.needs, children: []*child{c}}
	if v := c.keys.get("significant"); v != nil {
		s.set("significant", v)
		c.keys = slices.DeleteFunc(c.keys, func(e entry) bool { return e.key == "significant" })
	}
	c.needs = nil
	most, who := min(math.MaxInt32, c.limit.max*max(1, c.copies)), c.id
	if c.copies > 0 {
		who = "all copies of " + c.id + " together"
	}
	s.set("intensity", flow{{"max", most}, {"within", c.limit.within}})
	s.note("A supervisor of its own counts the restarts of %s: %d are allowed within %s, one more and it stays down; the others go on.", who, most, duration(c.limit.within))
	return s
}

// restartsPerSecond is what the restarts of the children cannot exceed, because each
// waits for its backoff; 0 if there are none.
func (c *child) restartsPerSecond() (n int) {
	for _, kid := range c.children {
		if kid.off || kid.children != nil || kid.restart == "temporary" || kid.backoff.min == 0 {
			continue
		}
		each := 1 + int((time.Second+kid.backoff.min-1)/kid.backoff.min)
		n += each * max(1, kid.copies)
	}
	return n
}

// rename makes the ids of the children unique, those of copies included.
func (c *child) rename() {
	taken := make(map[string]bool)
	for _, kid := range c.children {
		given := kid.id
		for i := 2; slices.ContainsFunc(kid.ids(), func(id string) bool { return taken[id] }); i++ {
			kid.id = fmt.Sprintf("%s-%d", given, i)
		}
		if kid.id != given {
			kid.note("The name %s is that of another child as well.", given)
		}
		for _, id := range kid.ids() {
			taken[id] = true
		}
	}
}

// ids are the child's own, which needs may name, and those of its copies.
func (c *child) ids() []string {
	ids := []string{c.id}
	for i := range c.copies {
		ids = append(ids, fmt.Sprintf("%s-%d", c.id, i+1))
	}
	return ids
}

// asID makes an id of any text.
func asID(s string) string {
	id := strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsControl(r) {
			return '-'
		}
		return r
	}, s)
	return cmp.Or(strings.Trim(id, " "), "program")
}
