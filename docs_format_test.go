package gimlet

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/internal/docs"
	"github.com/gimlet-go/gimlet/store"
)

// These tests compare docs/format.md with what the code writes and reads. The
// bytes of files and cookies must never change their meaning: when one of these
// tests fails, it is the code that is wrong, unless a new format number was
// introduced and the old one is still read.

const formatPage = "docs/format.md"

// shows compares bytes with those of a worked example.
func shows(t *testing.T, name string, got []byte) {
	t.Helper()
	want := docs.Bytes(t, docs.Read(t, formatPage), name)
	require.Equal(t, fmt.Sprintf("% x", want), fmt.Sprintf("% x", got), "%s, the example %q", formatPage, name)
}

// The things from which the worked examples are made.
var (
	exampleTime   = time.UnixMilli(1767323045678) // 2026-01-02 03:04:05.678 UTC
	exampleID     = store.ID{0x01, 0x9b, 0x7c, 0xa9, 0x8f, 0x2e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	exampleSecret = secret{0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f}
	exampleTag    = tag{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7}
	exampleRing   = []ringKey{{
		ID:     0x01020304,
		Secret: []byte("an example: do not use this key!"),
		From:   exampleTime.UnixMilli(),
	}}
)

func exampleSealer(purpose, name string, signed bool) *sealer {
	ring := &keyRing{}
	ring.keys.Store(&exampleRing)
	return newSealer(ring, purpose, name, "default", signed)
}

// exampleHead is that of a session which began at exampleTime, was logged in a
// minute later and used an hour later.
func exampleHead() head {
	created := exampleTime.UnixMilli()
	return head{
		generation: 3,
		renewals:   1,
		created:    created,
		started:    created + 60_000,
		renewed:    created + 60_000,
		seen:       created + 3_600_000,
		ends:       created + 60_000 + (7 * 24 * time.Hour).Milliseconds(),
		idle:       (24 * time.Hour).Milliseconds(),
	}
}

func exampleValue(t *testing.T, v any) []byte {
	t.Helper()
	enc, err := encodeValue(CBOR(), v)
	require.NoError(t, err)
	return enc
}

func exampleFrame(t *testing.T) frame {
	t.Helper()
	return buildFrame(map[string][]byte{"n": exampleValue(t, 5), "theme": exampleValue(t, "dark")})
}

func TestFormat_token(t *testing.T) {
	shows(t, "id", exampleID[:])
	require.Equal(t, exampleTime, exampleID.Created())
	shows(t, "secret", exampleSecret[:])
	digest := exampleSecret.digest()
	shows(t, "digest", digest[:])
}

func TestFormat_flags(t *testing.T) {
	var known flag
	rows := docs.Rows(t, docs.Read(t, formatPage), "flag")
	for i, name := range []string{"stored", "browser", "carried", "bound", "previous", "tagged", "kept"} {
		known |= 1 << i
		require.Equal(t, []string{fmt.Sprint(1 << i), name}, rows[i][:2])
	}
	require.Len(t, rows, 7)
	require.Equal(t, flagsKnown, known)
	kept := state{head: exampleHead(), version: 1}
	kept.set(flagKept|flagStored, true)
	var again state
	require.NoError(t, again.readRecord(kept.record(exampleID)))
	require.Equal(t, flagKept, again.flags)
}

func TestFormat_keyRing(t *testing.T) {
	id := reservedID("default", "key ring")
	shows(t, "key-ring-id", id[:])
	require.True(t, id.Reserved())
	data, err := new(wrapping).encode(exampleRing)
	require.NoError(t, err)
	shows(t, "key-ring", data)
	keys, _, err := new(wrapping).decode(data)
	require.NoError(t, err)
	require.Equal(t, exampleRing, keys)

	w := wrapping{keys: [][]byte{exampleRing[0].Secret}, id: id}
	sealed := docs.Bytes(t, docs.Read(t, formatPage), "key-ring-sealed")
	keys, _, err = w.decode(sealed)
	require.NoError(t, err)
	require.Equal(t, exampleRing, keys)
	w.id = reservedID("other", "key ring")
	_, _, err = w.decode(sealed)
	require.ErrorContains(t, err, "does not authenticate", "in the place of another ring")

	given := *givenRing([][]byte{exampleRing[0].Secret}).keys.Load()
	shows(t, "given-key-id", []byte{byte(given[0].ID >> 24), byte(given[0].ID >> 16), byte(given[0].ID >> 8), byte(given[0].ID)})
}

func TestFormat_envelope(t *testing.T) {
	page := docs.Read(t, formatPage)
	for name, s := range map[string]*sealer{
		"sealed": exampleSealer("session", "__Host-id", false),
		"signed": exampleSealer("session", "__Host-id", true),
	} {
		envelope := docs.Bytes(t, page, name)
		payload, by, err := s.open(t.Context(), base64.RawURLEncoding.EncodeToString(envelope), exampleTime)
		require.NoError(t, err)
		require.Equal(t, exampleRing[0].ID, by)
		shows(t, "cookie", payload)
		again, err := s.seal(payload, exampleTime)
		require.NoError(t, err)
		require.Len(t, again, base64.RawURLEncoding.EncodedLen(len(envelope)))
		for i := range envelope {
			damaged := bytes.Clone(envelope)
			damaged[i] ^= 1
			_, _, err := s.open(t.Context(), base64.RawURLEncoding.EncodeToString(damaged), exampleTime)
			require.Error(t, err, "%s, with a bit of byte %d turned", name, i)
		}
		for _, other := range []*sealer{
			exampleSealer("transient", "__Host-id", s.signed),
			exampleSealer("session", "id", s.signed),
			exampleSealer("session", "__Host-id", !s.signed),
		} {
			_, _, err := other.open(t.Context(), base64.RawURLEncoding.EncodeToString(envelope), exampleTime)
			require.Error(t, err)
		}
	}
	s := exampleSealer("session", "__Host-id", true)
	signed, err := s.seal(docs.Bytes(t, page, "cookie"), exampleTime)
	require.NoError(t, err)
	decoded, err := base64.RawURLEncoding.DecodeString(signed)
	require.NoError(t, err)
	shows(t, "signed", decoded)
}

func TestFormat_chunks(t *testing.T) {
	cookie, err := Cookie{}.resolve()
	require.NoError(t, err)
	cfg, ring := defaults(), &keyRing{}
	ring.keys.Store(&exampleRing)
	kind := cookie.kind(&cfg, ring, false)
	require.Equal(t, "__Host-id", kind.main.names[0])
	require.Equal(t, "__Host-id.7", kind.main.names[7])
	require.Equal(t, "__Host-id.t", kind.transient.names[0])
	require.Equal(t, "__Host-id.t.1", kind.transient.names[1])
	for size, chunks := range map[int]string{100: "1", 4000: "2", 15000: "6"} {
		h := http.Header{}
		text, err := kind.main.sealer.seal(make([]byte, size), exampleTime)
		require.NoError(t, err)
		_, err = kind.send(h, &kind.main, text, exampleTime, time.Hour)
		require.NoError(t, err)
		var value string
		for i, line := range h["Set-Cookie"] {
			require.LessOrEqual(t, len(line), 4096)
			c, err := http.ParseSetCookie(line)
			require.NoError(t, err)
			require.Equal(t, kind.main.names[i], c.Name)
			value += c.Value
		}
		require.Equal(t, chunks, value[:1])
		require.Equal(t, chunks, fmt.Sprint(len(h["Set-Cookie"])))
		payload, _, err := kind.main.sealer.open(t.Context(), value[1:], exampleTime)
		require.NoError(t, err)
		require.Len(t, payload, size)
	}
}

func TestFormat_sessionCookie(t *testing.T) {
	p := payload{head: exampleHead(), token: token{exampleID, exampleSecret}}
	p.set(flagStored|flagCarried, true)
	p.client = buildFrame(map[string][]byte{"theme": exampleValue(t, "dark")})
	shows(t, "cookie", p.append(nil))
	var again payload
	require.NoError(t, again.read(p.append(nil)))
	require.Equal(t, p.head, again.head)
	require.Equal(t, p.token, again.token)
	require.Equal(t, p.client, again.client)

	alone := payload{head: exampleHead(), token: p.token, server: exampleFrame(t)}
	alone.set(flagBound, true)
	alone.binding = bindingOf("en")
	shows(t, "cookie-alone", alone.append(nil))
}

func TestFormat_transientCookie(t *testing.T) {
	p := transientPayload{id: exampleID, tag: exampleTag, client: exampleFrame(t)}
	shows(t, "transient", p.append(nil))
}

func TestFormat_ticket(t *testing.T) {
	ring := &keyRing{}
	ring.keys.Store(&exampleRing)
	m := &Manager{cfg: defaults(), ring: ring}
	opens := func(text string) []byte {
		payload, _, err := exampleSealer("ticket", "download", false).open(t.Context(), text, exampleTime)
		require.NoError(t, err)
		return payload
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(exampleTime.Add(time.Hour)))
		s := &Session{
			m: m, used: true, opened: true, live: true, loaded: true,
			held: &held{token: token{exampleID, exampleSecret}, state: state{head: exampleHead(), hash: exampleSecret.digest()}},
		}
		s.state.set(flagStored|flagCarried, true)
		s.state.values[clientPermanent] = exampleFrame(t)
		text, err := s.Ticket("download", time.Minute)
		require.NoError(t, err)
		shows(t, "ticket", opens(text))
	})
	envelope := docs.Bytes(t, docs.Read(t, formatPage), "ticket-sealed")
	shows(t, "ticket", opens(base64.RawURLEncoding.EncodeToString(envelope)))
}

func TestFormat_csrf(t *testing.T) {
	m := &Manager{cfg: defaults()}
	s := &Session{m: m, held: &held{token: token{exampleID, exampleSecret}, state: state{head: exampleHead()}}}
	mac, err := s.csrf(exampleRing[0])
	require.NoError(t, err)
	shows(t, "csrf", mac)
}

func TestFormat_record(t *testing.T) {
	s := state{head: exampleHead(), version: 4, owner: "alice", hash: exampleSecret.digest()}
	s.values[serverPermanent] = exampleFrame(t)
	rec := s.record(exampleID)
	shows(t, "record", rec.Data)
	require.Equal(t, "alice", rec.Owner)
	require.Equal(t, s.deadline(), rec.Expires.UnixMilli())

	old := secret{0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff}
	s.set(flagPrevious, true)
	s.prev = previous{old.digest(), exampleTime.UnixMilli() + 3_630_000, exampleSecret.xor(pad(old))}
	s.tag = exampleTag
	s.values[serverTransient] = buildFrame(map[string][]byte{"step": exampleValue(t, 2)})
	rec = s.record(exampleID)
	shows(t, "record-full", rec.Data)
	var again state
	require.NoError(t, again.readRecord(rec))
	require.Equal(t, s.prev, again.prev)
	require.Equal(t, s.tag, again.tag)
	require.Equal(t, s.values, again.values)
}

func TestFormat_revocation(t *testing.T) {
	rec := revocation{below: revokedForever, until: exampleHead().ends}.record(exampleID, 1)
	shows(t, "revocation-id", rec.ID[:])
	shows(t, "revocation-owner", []byte(rec.Owner))
	shows(t, "revocation", rec.Data)
	id, v, err := readRevocation(rec)
	require.NoError(t, err)
	require.Equal(t, exampleID, id)
	require.Equal(t, revocation{revokedForever, exampleHead().ends}, v)
}

func TestFormat_generation(t *testing.T) {
	id := reservedID("default", "generation")
	shows(t, "generation-id", id[:])
	data := docs.Bytes(t, docs.Read(t, formatPage), "generation")
	generation, err := readGeneration(store.Record{Version: 3, Data: data})
	require.NoError(t, err)
	require.EqualValues(t, 3, generation)
}
