package gimlet

// EncryptionKeys returns the keys that encrypt the key ring in the store.
func EncryptionKeys(m *Manager) [][]byte { return m.cfg.encryption }
