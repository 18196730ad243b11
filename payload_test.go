package gimlet

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

func somePayload(rng *rand.Rand, flags flag) payload {
	p := payload{
		head:  someHead(rng, flags&^(flagPrevious|flagTagged)),
		token: token{store.NewID(sealedAt), newSecret()},
	}
	if p.has(flagBound) {
		p.binding = bindingOf("a network")
	}
	p.client = buildFrame(map[string][]byte{"a": someBytes(rng.IntN(200))})
	p.server = buildFrame(map[string][]byte{"b": someBytes(rng.IntN(200)), "c": {1}})
	return p
}

// A payload reads as it was written, whatever its fields.
func TestPayload_roundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		for flags := range flagsKnown + 1 {
			want := somePayload(rng, flags)
			var got payload
			require.NoError(t, got.read(want.append(nil)))
			require.Equal(t, want, got)

			second := transientPayload{want.token.id, tag{1, 2}, want.client, want.server}
			var read transientPayload
			require.NoError(t, read.read(second.append(nil)))
			require.Equal(t, second, read)
		}
	}
}

// A payload that says nothing but who it is stays small: it travels with every
// request.
func TestPayload_small(t *testing.T) {
	now := sealedAt.UnixMilli()
	p := payload{head: head{
		flags: flagStored, created: now, started: now, renewed: now, seen: now,
		ends: now + defaultLifetime.Milliseconds(), idle: defaultIdle.Milliseconds(),
	}}
	require.LessOrEqual(t, len(p.append(nil)), 64)
}

// The zero ID and the IDs that the manager keeps for itself name no session,
// whoever sealed them.
func TestPayload_reservedIDs(t *testing.T) {
	p := somePayload(rand.New(rand.NewPCG(1, 2)), flagStored)
	var got payload
	require.NoError(t, got.read(p.append(nil)))
	for _, id := range []store.ID{{}, reservedID("default", "key ring"), reservedID("default", "generation")} {
		p.token.id = id
		require.ErrorIs(t, got.read(p.append(nil)), errMalformed, id)
	}
}

// Another format, unknown flags, and flags that stand in records only are
// refused.
func TestPayload_unknownFormat(t *testing.T) {
	p := somePayload(rand.New(rand.NewPCG(1, 2)), flagStored)
	b := p.append(nil)
	second := transientPayload{id: p.token.id}
	c := second.append(nil)
	for format := range 256 {
		b[0], c[0] = byte(format), byte(format)
		var got payload
		var read transientPayload
		require.Equal(t, format == payloadFormat, got.read(b) == nil, "format %d", format)
		require.Equal(t, format == payloadFormat, read.read(c) == nil, "format %d", format)
	}
	b[0] = payloadFormat
	for flags := range 256 {
		b[1] = byte(flags)
		var got payload
		if flag(flags)&^flagsKnown != 0 || flag(flags)&(flagPrevious|flagTagged) != 0 {
			require.ErrorIs(t, got.read(b), errMalformed, "flags %b", flags)
		}
	}
}

// Every truncation of a payload is an error, or costs only values at its end.
func TestPayload_truncated(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for flags := range flagsKnown + 1 {
		want := somePayload(rng, flags)
		whole := want.append(nil)
		for n := range whole {
			var got payload
			err := got.read(whole[:n])
			if n < len(whole)-len(want.server) {
				require.ErrorIs(t, err, errMalformed, "%d of %d bytes", n, len(whole))
				continue
			}
			require.NoError(t, err)
			require.Equal(t, want.head, got.head)
			require.Equal(t, want.token, got.token)
			require.Equal(t, want.client, got.client)
		}
		second := transientPayload{want.token.id, tag{1}, want.client, nil}
		whole = second.append(nil)
		for n := range whole {
			var got transientPayload
			require.ErrorIs(t, got.read(whole[:n]), errMalformed)
		}
	}
}

// No bytes make reading a payload panic.
func TestPayload_mutated(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	refused := 0
	for range 500 {
		p := somePayload(rng, flag(rng.IntN(int(flagsKnown)+1)))
		b := p.append(nil)
		second := transientPayload{p.token.id, tag{1}, p.client, p.server}
		c := second.append(nil)
		for range 100 {
			var got payload
			var read transientPayload
			if got.read(mutant(rng, b)) != nil {
				refused++
			}
			_ = read.read(mutant(rng, c))
			var s state
			s.head = got.head
			s.values[clientPermanent], s.values[clientTransient] = got.client, read.client
			s.use()
		}
	}
	require.Greater(t, refused, 1000, "the mutations reach what is checked")
	require.Less(t, refused, 49_000, "and what is not")
}

// A binding is a hash: it does not say what it was made of, and differs for
// different properties.
func TestBinding_isHash(t *testing.T) {
	a := bindingOf("203.0.113.7")
	require.Equal(t, a, bindingOf("203.0.113.7"))
	require.NotEqual(t, a, bindingOf("203.0.113.8"))
	require.NotContains(t, hex.EncodeToString(a[:]), hex.EncodeToString([]byte("203")))
}

// A number of renewals above which there is none, so that no revocation could
// reach the cookie, is not read.
func TestPayload_renewals(t *testing.T) {
	for renewals, good := range map[uint32]bool{revokedForever - 1: true, revokedForever: false} {
		p := payload{head: head{renewals: renewals}, token: token{id: exampleID}}
		var again payload
		require.Equal(t, good, again.read(p.append(nil)) == nil)
	}
}
