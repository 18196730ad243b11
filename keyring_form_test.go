package gimlet

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// hides requires that a text says nothing of a key.
func hides(t testing.TB, text string, key []byte) {
	t.Helper()
	if len(key) == 0 {
		return
	}
	for i := 0; i+8 <= len(key); i++ {
		part := key[i : i+8]
		require.NotContains(t, text, string(part))
		require.NotContains(t, strings.ToLower(text), hex.EncodeToString(part))
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		require.NotContains(t, text, enc.EncodeToString(key))
	}
}

// A ring reads as it was written.
func TestKeyRing_roundTrip(t *testing.T) {
	for n := range 20 {
		var want []ringKey
		for i := range n + 1 {
			key := newRingKey(want, time.Unix(0, 0), int64(i)*1000)
			key.Until = int64(i) << 40
			want = append(want, key)
		}
		data, err := new(wrapping).encode(want)
		require.NoError(t, err)
		got, _, err := new(wrapping).decode(data)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// A ring that is damaged, or that a newer version wrote, is an error of New
// that says so. It is not overwritten, and no key stands in the error.
func TestKeyRing_damaged(t *testing.T) {
	secret := someBytes(32)
	ring := func(keys ...ringKey) []byte {
		data, err := new(wrapping).encode(keys)
		require.NoError(t, err)
		return data
	}
	form := func(v any) []byte {
		data, err := cbor.Marshal(v)
		require.NoError(t, err)
		return append([]byte{ringFormat}, data...)
	}
	good := ring(ringKey{ID: 1, Secret: secret})
	tests := map[string]struct {
		data []byte
		says string
	}{
		"empty":            {nil, "format"},
		"newer format":     {append([]byte{ringFormatSealed + 1}, good[1:]...), "newer"},
		"cut off":          {good[:len(good)-1], "EOF"},
		"only the format":  {good[:1], "EOF"},
		"something behind": {append(bytes.Clone(good), 0), "extraneous"},
		"no keys":          {ring(), "no key"},
		"null":             {form(nil), "no key"},
		"a short key":      {ring(ringKey{ID: 1, Secret: secret[:31]}), "too short"},
		"a key is missing": {ring(ringKey{ID: 1}), "too short"},
		"a text":           {form(string(hex.EncodeToString(secret))), "cbor"},
		"keys are texts":   {form([]string{hex.EncodeToString(secret)}), "cbor"},
		"a huge list":      {[]byte{ringFormat, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "cbor"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &watched{Store: memory.New()}
			rec := store.Record{ID: reservedID("default", "key ring"), Version: 1, Data: tt.data}
			require.NoError(t, s.Save(t.Context(), rec))
			_, err := New(s)
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, "gimlet: the key ring: ")
			require.ErrorContains(t, err, tt.says)
			hides(t, err.Error(), secret)
			after, err := s.Load(t.Context(), rec.ID)
			require.NoError(t, err)
			require.Equal(t, uint64(1), after.Version)
			require.True(t, bytes.Equal(tt.data, after.Data))
		})
	}
}

// No bytes make reading a ring panic, and a ring that reads can seal.
func TestKeyRing_mutated(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	keys := []ringKey{newRingKey(nil, time.Unix(0, 0), 1000)}
	keys = append(keys, newRingKey(keys, time.Unix(0, 0), 2000))
	data, err := new(wrapping).encode(keys)
	require.NoError(t, err)
	for range 20_000 {
		got, _, err := new(wrapping).decode(mutant(rng, data))
		if err != nil {
			continue
		}
		r := &keyRing{}
		r.keys.Store(&got)
		now := time.UnixMilli(rng.Int64N(maxMillis))
		require.GreaterOrEqual(t, len(r.sealing(now).Secret), minKeySize)
		nextRing(got, now)
	}
}

// Keys that an attacker could guess are refused by New, each with a text that
// says what to do and nothing of the key.
func TestWithKeys_refused(t *testing.T) {
	sequence := make([]byte, 64)
	down := make([]byte, 32)
	for i := range sequence {
		sequence[i] = byte(i)
		down[i/2] = byte(200 - 3*(i/2))
	}
	good := someBytes(32)
	tests := map[string]struct {
		keys [][]byte
		says string
	}{
		"none":                {nil, "at least one key"},
		"empty":               {[][]byte{{}}, "key 1 has 0 bytes"},
		"nil":                 {[][]byte{good, nil}, "key 2 has 0 bytes"},
		"short":               {[][]byte{good[:31]}, "key 1 has 31 bytes"},
		"the second is short": {[][]byte{good, good[:16]}, "key 2 has 16 bytes"},
		"zeros":               {[][]byte{make([]byte, 32)}, "key 1 is not random"},
		"all equal":           {[][]byte{bytes.Repeat([]byte{0xa7}, 64)}, "key 1 is not random"},
		"repeating":           {[][]byte{bytes.Repeat([]byte("correct horse"), 4)}, "key 1 is not random"},
		"repeating once":      {[][]byte{bytes.Repeat(good[:20], 2)}, "key 1 is not random"},
		"counting up":         {[][]byte{sequence}, "key 1 is not random"},
		"counting down":       {[][]byte{down}, "key 1 is not random"},
		"the alphabet":        {[][]byte{[]byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL")}, "key 1 is not random"},
		"the digits":          {[][]byte{[]byte("01234567890123456789012345678901")}, "key 1 is not random"},
		"few different bytes": {[][]byte{[]byte("aabbababbacabcbbacbabcabacbbabcacbb")}, "key 1 is not random"},
		"the third":           {[][]byte{good, someBytes(40), make([]byte, 32)}, "key 3 is not random"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(memory.New(), WithKeys(tt.keys...))
			require.ErrorContains(t, err, "WithKeys: ")
			require.ErrorContains(t, err, tt.says)
			if len(tt.keys) > 0 {
				require.ErrorContains(t, err, "use at least 32 random bytes, made once with crypto/rand")
			}
			for _, key := range tt.keys {
				hides(t, err.Error(), key)
			}
		})
	}
}

// Random keys are taken, also as hexadecimal digits and in base64.
func TestWithKeys_randomOnesTaken(t *testing.T) {
	for range 20_000 {
		key := someBytes(32)
		for _, form := range [][]byte{
			key, []byte(hex.EncodeToString(key)), []byte(base64.StdEncoding.EncodeToString(key)),
		} {
			if guessable(form) {
				require.FailNow(t, "refused", "%q", form)
			}
		}
	}
}
