package memory

import (
	"container/heap"

	"github.com/gimlet-go/gimlet/store"
)

// put stores r, in a node of its own or in that of the record that it
// replaces, and moves the node in the indexes.
func (s *Store) put(r store.Record) {
	n := s.records[r.ID]
	if n == nil {
		n = &node{place: outside}
		s.records[r.ID] = n
	} else if n.record.Owner != r.Owner {
		s.unlink(n)
	}
	moved := n.record.Owner != r.Owner
	n.record = r
	if moved {
		s.link(n)
	}
	s.expiry.place(n)
}

func (s *Store) remove(n *node) {
	delete(s.records, n.record.ID)
	s.unlink(n)
	s.expiry.drop(n)
}

// link puts n at the head of its owner's chain. Nobody's records have none.
func (s *Store) link(n *node) {
	owner := n.record.Owner
	if owner == "" {
		return
	}
	n.next = s.owners[owner]
	if n.next != nil {
		n.next.prev = n
	}
	s.owners[owner] = n
}

func (s *Store) unlink(n *node) {
	owner := n.record.Owner
	switch {
	case owner == "":
		return
	case n.prev != nil:
		n.prev.next = n.next
	case n.next != nil:
		s.owners[owner] = n.next
	default:
		delete(s.owners, owner)
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	n.prev, n.next = nil, nil
}

// outside is the place of a node that is not in the expiry heap, because its
// record never expires.
const outside = -1

// An expiryHeap has the record that expires first at its top.
type expiryHeap []*node

// place moves n to where its expiry belongs.
func (h *expiryHeap) place(n *node) {
	switch {
	case n.record.Expires.IsZero():
		h.drop(n)
	case n.place == outside:
		heap.Push(h, n)
	default:
		heap.Fix(h, n.place)
	}
}

// drop takes n out, if it is in.
func (h *expiryHeap) drop(n *node) {
	if n.place != outside {
		heap.Remove(h, n.place)
	}
}

// Len implements [heap.Interface], as the next four do.
func (h expiryHeap) Len() int { return len(h) }

func (h expiryHeap) Less(i, j int) bool {
	return h[i].record.Expires.Before(h[j].record.Expires)
}

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *expiryHeap) Push(x any) {
	n := x.(*node)
	n.place = len(*h)
	*h = append(*h, n)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	n.place = outside
	return n
}
