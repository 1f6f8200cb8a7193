package strategies

// call takes a question about the children into the queue.
func (m *Machine) call(in Input) {
	if m.phase == finished {
		m.answer(in)
		return
	}
	m.queue.push(turn{call: in})
}

func (m *Machine) answer(in Input) {
	r := &Reply{Ticket: in.Ticket}
	m.emit(Action{Do: DoReply, Reply: r})
	if m.phase == finished {
		r.Err = ErrDown
		return
	}
	switch in.Op {
	case OpWhich:
		r.Children = m.which()
	case OpCount:
		r.Counts = m.count()
	case OpSpec:
		c := m.find(in.ID)
		if c == nil {
			r.Err = ErrNotFound
			return
		}
		r.Spec = c.spec
		r.Spec.Tag, r.Spec.Incarnation = nil, c.incarnation
	}
}

// which lists the children, newest first (rule I6).
func (m *Machine) which() []ChildInfo {
	list := make([]ChildInfo, 0, len(m.children))
	for c := m.last; c != nil; c = c.prev {
		list = append(list, ChildInfo{c.spec.ID, c.spec.Kind, c.state, c.incarnation})
	}
	return list
}

// count counts the children (rule I7).
func (m *Machine) count() Counts {
	n := Counts{Specs: len(m.children)}
	for c := m.first; c != nil; c = c.next {
		if c.state == Up {
			n.Active++
		}
		if c.spec.Kind == Supervisor {
			n.Supervisors++
		} else {
			n.Workers++
		}
	}
	return n
}
