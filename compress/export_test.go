package compress

// CloseUngated is Close with the safeguard out: it does not wait for those who
// are decompressing.
func (s *Store) CloseUngated() {
	s.codec.decoder.Close()
	s.inner.Close()
}
