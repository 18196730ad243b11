package fuzz_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// The sessions that exist where cookies are fuzzed.
var (
	someSecret = [16]byte{0: 0x10, 7: 0x77, 15: 0xff}
	someTag    = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	storedID   = store.ID{0x01, 0x9b, 0x7c, 0xa9, 0x8f, 0x2e, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	aloneID    = store.ID{0x01, 0x9b, 0x7c, 0xa9, 0x8f, 0x2e, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}
	longID     = store.ID{0x01, 0x9b, 0x7c, 0xa9, 0x8f, 0x2e, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}
)

// A genuine is a session that a cookie of its own opens.
type genuine struct {
	id     store.ID
	text   string // of the envelope of its cookie
	second string // of its transient cookie, if it has one
	values map[string]any
}

// A form makes the text of an envelope: envelope.sealed or envelope.signed.
type form func(e envelope, payload []byte) string

// The cookies of the same sessions in both forms.
var (
	sealedSessions = genuineSessions(envelope.sealed)
	signedSessions = genuineSessions(envelope.signed)
)

// genuineSessions are three: one has a record, one lives in its cookies alone,
// and one has a cookie that must be split.
func genuineSessions(as form) []genuine {
	long := strings.Repeat("a long one ", 400)
	return []genuine{{
		id: storedID,
		text: as(sessionEnvelope, payload(endless(flagStored|flagCarried), storedID, someSecret,
			frame(pair{"theme", text("dark")}), nil)),
		values: map[string]any{"theme": "dark", "cart": "apples"},
	}, {
		id: aloneID,
		text: as(sessionEnvelope, payload(endless(flagCarried), aloneID, someSecret,
			frame(pair{"n", number(5)}), frame(pair{"theme", text("light")}))),
		second: as(transientEnvelope, transient(aloneID, someTag,
			frame(pair{"step", number(2)}), frame(pair{"tab", text("left")}))),
		values: map[string]any{"n": 5, "theme": "light", "step": 2, "tab": "left"},
	}, {
		id: longID,
		text: as(sessionEnvelope, payload(endless(flagCarried), longID, someSecret,
			frame(pair{"blob", text(long)}), nil)),
		values: map[string]any{"blob": long},
	}}
}

// newSessions returns a store that has the record of the first.
func newSessions(t testing.TB) *spy {
	t.Helper()
	inner := memory.New()
	data := record(endless(0), someSecret, nil, frame(pair{"cart", text("apples")}))
	r := store.Record{ID: storedID, Version: 1, Expires: time.UnixMilli(1 << 47), Data: uncompressed(data)}
	require.NoError(t, inner.Save(t.Context(), r))
	return &spy{Store: inner}
}

// header is the Cookie header of a browser that has the session.
func (g genuine) header() string {
	pairs := []string{cookieName + "=1" + g.text}
	if len(g.text) > 4000 {
		pairs = []string{cookieName + "=2" + g.text[:4000], cookieName + ".1=" + g.text[4000:]}
	}
	if g.second != "" {
		pairs = append(pairs, cookieName+".t=1"+g.second)
	}
	return strings.Join(pairs, "; ")
}

// presented returns the texts that a client presents under the name of a
// cookie, put together from chunks as docs/format.md says, and whether there is
// just one, and nothing beside it that contradicts it.
func presented(lines []string, name string) (texts []string, plain bool) {
	var firsts []string
	var chunks [8][]string
	for _, pair := range strings.Split(strings.Join(lines, ";"), ";") {
		key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		switch number, isChunk := strings.CutPrefix(key, name+"."); {
		case !ok, isChunk && value == "":
		case key == name:
			firsts = append(firsts, value)
		case isChunk && len(number) == 1 && number[0] >= '1' && number[0] <= '7':
			chunks[number[0]-'0'] = append(chunks[number[0]-'0'], value)
		}
	}
	plain = len(firsts) == 1
	for _, values := range chunks {
		plain = plain && len(values) < 2
	}
	for _, first := range firsts {
		if first == "" || first[0] < '1' || first[0] > '8' {
			continue
		}
		text := first[1:]
		for _, values := range chunks[1 : first[0]-'0'] {
			plain = plain && len(values) > 0
			text += strings.Join(values[max(0, len(values)-1):], "")
		}
		texts = append(texts, text)
	}
	return texts, plain
}

// may returns which of sessions a request could have, going by its cookies. If
// sure is set, it has the one that is returned.
func may(sessions []genuine, lines []string) (possible []genuine, sure bool) {
	texts, plain := presented(lines, cookieName)
	for _, g := range sessions {
		if slices.Contains(texts, g.text) {
			possible = append(possible, g)
		}
	}
	return possible, plain && len(possible) == 1
}

// shows requires that v shows this session, and nothing else.
func (g genuine) shows(t testing.TB, v view) {
	t.Helper()
	require.Equal(t, g.id, v.ID)
	require.Empty(t, v.Owner)
	require.Empty(t, v.Flashes)
	require.NotEmpty(t, v.Values)
	for key, value := range v.Values {
		require.Equal(t, g.values[key], value, "%q", key)
	}
}
