package check

import (
	"slices"
	"time"
)

// node is what is known of a child, or of the root.
type node struct {
	path, id    string
	up          *sup // its supervisor; nil of the root
	restart     string
	significant bool
	needs       []string
	sup         *sup // of a supervisor

	listed     bool
	rank       uint64 // grows along the list
	prev, next *node  // siblings, in start order

	state state
	n     uint64 // the incarnation that lives, or the latest
	pid   int

	// Of the incarnation that lives, or the latest.
	told   told
	byCall bool // a call started it
	early  bool // its start began before the evidence
	began  time.Time
	clock  stopClock

	// Of its end.
	ended  time.Time
	exit   *exit
	seq    uint64    // of the event that told of it
	dead   bool      // it ended by itself, and what follows from that may be to come
	judged bool      // child_terminated was told of that
	debt   debt      // a report that is to come next
	notice bool      // a shutdown_error may come
	due    time.Time // in state waiting: when it is to be started
	paused bool      // and the restart that it waits for was counted
	why    *cascade  // what that restart follows from; nil: not known
	held   []*node   // under dependents: those who wait with it

	ran         bool // an incarnation was up since it is on the list
	renewed     bool // it is to be started again, whatever its type
	rests       bool // that it is down is as it should be
	tallied     bool // its exit is to be reported together with others
	failedStart bool // start_error was told, and what follows is to come
	stuck       bool
	extra       bool // a call has added it: it is in no description

	// Of the job that it is a member of.
	job   *job
	index int  // in it
	begun bool // its start was begun
	done  bool // it needs no further start
}

type state uint8

const (
	down state = iota
	starting
	up
	stopping
	waiting
)

var stateNames = [...]string{"down", "starting", "up", "stopping", "waiting"}

func (s state) String() string { return stateNames[s] }

func (s state) lives() bool { return s == starting || s == up || s == stopping }

// told is what a child was told by its supervisor.
type told uint8

const (
	untold  told = iota
	maybe        // it is a supervisor, and either it was told to stop, or ends because of a call of its own
	toStop       // to stop
	brutal       // it was killed without having been told to stop
	tooLate      // to stop while it was starting
)

// debt is a report that must come before anything else is told of a child.
type debt uint8

const (
	nothing debt = iota
	shutdownError
)

// sup is what is known of a supervisor over and above a child.
type sup struct {
	node                *node
	strategy            string
	dynamic             bool
	autoShutdown        string
	max                 int
	within              time.Duration
	children            map[string]*node
	neededBy            map[string][]*node
	first, last         *node
	ranks               uint64
	window              window
	running             bool
	booting             bool // its children are being started for the first time
	told                bool // to stop
	ending              bool // it must end
	treeEnds            bool // an exit of a child may have asked for the end of the tree
	gaveUp              bool
	unsure              bool  // whether it ends already: the evidence begins in the middle of something
	finisher            *node // a significant child that has finished
	busy                int   // children that are starting, or were told to stop
	boot, end           *job
	open                *job // the latest that is not done; under one_for_all and rest_for_one the only one
	anew                *job // what is stopped for a description that does not hold yet; nil: there is none
	paused              map[*node]bool
	unexpected, maximum uint64 // ends of a dynamic supervisor's children that its last report must, and may, count
	counted             uint64 // those that it did
}

// inOrder: one at a time, in the order of the list.
func (s *sup) inOrder() bool { return s.strategy == "one_for_all" || s.strategy == "rest_for_one" }

func (s *sup) graph() bool { return s.strategy == "dependents" }

// each yields the children in start order.
func (s *sup) each(yield func(*node) bool) {
	for n := s.first; n != nil; {
		next := n.next
		if !yield(n) {
			return
		}
		n = next
	}
}

func (s *sup) add(n *node) {
	s.ranks++
	n.listed, n.rank, n.prev, n.next = true, s.ranks, s.last, nil
	if s.last == nil {
		s.first = n
	} else {
		s.last.next = n
	}
	s.last = n
	s.children[n.id] = n
	for _, id := range n.needs {
		s.neededBy[id] = append(s.neededBy[id], n)
	}
}

func (s *sup) remove(n *node) {
	n.listed = false
	if n.prev == nil {
		s.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		s.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	delete(s.children, n.id)
	delete(s.paused, n)
	for _, id := range n.needs {
		s.neededBy[id] = slices.DeleteFunc(s.neededBy[id], func(other *node) bool { return other == n })
	}
}

// busyWith: the supervisor waits for the end of this start or stop.
func (n *node) busy() bool { return n.state == starting || n.state == stopping && n.told != maybe }

// become changes the state and keeps count.
func (n *node) become(s state, t told) {
	was := n.busy()
	n.state, n.told = s, t
	if n.up == nil {
		return
	}
	if is := n.busy(); is && !was {
		n.up.busy++
	} else if was && !is {
		n.up.busy--
	}
}

// wantsRestart says what the type of the child says about its latest exit
// (rules C1 to C3).
func (n *node) wantsRestart() bool {
	switch n.restart {
	case "temporary":
		return false
	case "transient":
		return n.exit.abnormal()
	}
	return true
}

// wantsReport: rule L1.
func (n *node) wantsReport() bool { return n.restart == "permanent" || n.exit.abnormal() }
