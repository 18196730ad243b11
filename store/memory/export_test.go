package memory

// Sizes returns how many records there are, how many owners have a chain, and
// how many records are in the expiry heap.
func (s *Store) Sizes() (records, owners, expiring int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.records), len(s.owners), len(s.expiry)
}

const SweepBatch = sweepBatch
