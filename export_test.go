package gimlet

import "encoding/hex"

// SecretOf returns the half of the token that only the client holds.
func SecretOf(s *Session) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.load()
	return hex.EncodeToString(s.token.secret[:])
}

// Watches counts the handles whose Done somebody waits for.
func Watches(m *Manager) int { return len(m.watches.ids()) }

// RingKeys returns the keys that seal cookies.
func RingKeys(m *Manager) [][]byte {
	var keys [][]byte
	for _, key := range *m.ring.keys.Load() {
		keys = append(keys, key.Secret)
	}
	return keys
}
