package fuzz_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// FuzzPayload signs any bytes as what the two cookies of a session say, so that
// what reads them is reached. Nothing panics or takes more memory than its
// share; reading never fails; and what a handler then writes is there the next
// time, unless it was added to values that are out of order.
func FuzzPayload(f *testing.F) {
	for _, seed := range payloadSeeds() {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		const most = 2048 // two of them stay below Cookie.MaxBytes
		if len(first) > most || len(second) > most {
			return
		}
		lines := []string{
			cookieName + "=1" + sessionEnvelope.signed(first),
			cookieName + ".t=1" + transientEnvelope.signed(second),
		}
		site := newSignedSite(t)
		bounded(t, len(first)+len(second), perByte, func() { site.read(lines) })
		require.NoError(t, site.failure, "for reading")
		ordered := orderly(first, second)
		keepsNote(t, lines, ordered, gimlet.ServerSide)
		keepsNote(t, lines, ordered, gimlet.ClientSide|gimlet.Transient)

		site = newSignedSite(t)
		site.serve(lines, changeAll)
		sane(t, site.failure)
		site.serve(lines, func(s *gimlet.Session) { _ = s.Login(t.Context(), "bob") })
		sane(t, site.failure)
		site.serve(lines, func(s *gimlet.Session) { _ = s.Destroy(t.Context()) })
		sane(t, site.failure)
	})
}

func newSignedSite(t *testing.T) *site {
	t.Helper()
	return newSite(t, memory.New(), gimlet.WithCookie(gimlet.Cookie{Signed: true}))
}

// keepsNote requires that a handler can write and that the next one, unless the
// session ends before that, has the same session and reads what was written, if
// the values were in order.
func keepsNote(t *testing.T, lines []string, ordered bool, at gimlet.Placement) {
	t.Helper()
	site := newSignedSite(t)
	id, ends, w := site.write(lines, at)
	require.NoError(t, site.failure, "for writing")
	if time.Until(ends) < time.Minute {
		return
	}
	browser := jar{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		browser[name] = value
	}
	browser.take(w)
	v, _ := site.read(browser.lines())
	require.Equal(t, id, v.ID)
	if ordered {
		require.Equal(t, "written", v.Values["note"])
	}
}

// changeAll does what a handler can do to a session that goes on.
func changeAll(s *gimlet.Session) {
	for _, key := range s.Keys() {
		s.Pop(key)
		if key != "" {
			s.Set(key, "moved", gimlet.ClientSide)
		}
	}
	s.Delete("theme")
	gimlet.NewKey[int]("n").Update(s, func(n int) int { return n + 1 })
	s.Flash("", "saved")
	s.FlashOnce("q", 5)
	s.SetIdleTimeout(time.Hour)
	s.SetLifetime(time.Hour)
	s.SetPersistent(false)
}

// sane requires that a session failed, if it did, for what the program asked
// of it, and not as a store fails.
func sane(t *testing.T, err error) {
	t.Helper()
	var value *gimlet.ValueError
	ok := err == nil || errors.As(err, &value) || errors.Is(err, gimlet.ErrGone) || errors.Is(err, gimlet.ErrTooLarge)
	require.True(t, ok, "%v", err)
}

// payloadSeeds are pairs of what the session's cookie and the transient one say.
func payloadSeeds() (seeds [][2][]byte) {
	theme := frame(pair{"theme", text("dark")})
	second := transient(aloneID, someTag, frame(pair{"step", number(2)}), frame(pair{"tab", text("left")}))
	whole := payload(endless(flagCarried), aloneID, someSecret, theme,
		frame(flashes("", text("saved"), number(5)), pair{"n", number(5)}))
	add := func(first, second []byte) { seeds = append(seeds, [2][]byte{first, second}) }
	for b := range damaged(whole, 60) {
		add(b, second)
	}
	for b := range damaged(second, 30) {
		add(whole, b)
	}
	for _, h := range oddHeads() {
		add(payload(h, aloneID, someSecret, theme, theme), second)
	}
	for _, f := range oddFrames() {
		add(payload(endless(flagCarried), aloneID, someSecret, f, f), transient(aloneID, someTag, f, f))
	}
	add(payload(endless(flagStored), storedID, someSecret, theme, nil), nil)
	add(payload(endless(flagCarried), aloneID, someSecret, nil, nil), second)
	return seeds
}

// oddHeads are heads of which each has something unusual.
func oddHeads() []head {
	var heads []head
	for _, change := range []func(h *head){
		func(h *head) { h.flags = flagBrowser },
		func(h *head) { h.flags = flagBound },
		func(h *head) { h.flags = flagPrevious | flagTagged },
		func(h *head) { h.flags = 0xff },
		func(h *head) { h.generation = 1<<64 - 1 },
		func(h *head) { h.renewals = 1<<32 - 1 },
		func(h *head) { h.renewals = 1 << 32 },
		func(h *head) { h.created = 1 << 48 },
		func(h *head) { h.created = 1<<48 + 1 },
		func(h *head) { h.started, h.ends = 1<<48, 1<<48-1 },
		func(h *head) { h.seen, h.idle = 1<<48, 1<<48 },
		func(h *head) { h.idle = 1 << 47 },
		func(h *head) { h.seen, h.idle = 1<<46, 1 },
	} {
		h := endless(flagCarried)
		change(&h)
		heads = append(heads, h)
	}
	return heads
}

// oddFrames are frames of which most break a rule.
func oddFrames() [][]byte {
	theme := pair{"theme", text("dark")}
	longLength := append([]byte{0x85, 0x00}, frame(theme)[1:]...)
	huge := binary.AppendUvarint(nil, 1<<63)
	return [][]byte{
		frame(theme, theme),
		frame(theme, pair{"note", text("before")}),
		frame(pair{"", number(1)}, theme),
		frame(pair{"theme", nil}),
		frame(pair{"note", []byte{1}}, pair{"note", []byte{0xff}}),
		frame(pair{"\x00", number(1)}, flashes("", nil, []byte{0}, text("saved"))),
		frame(pair{"\x00flash\x00", huge}),
		frame(pair{"\x00flash\x00q", []byte{5, 1}}, pair{"any", []byte{0x16, 0x14, 0x81, 0x42, 5, 1}}),
		append(frame(theme), longLength...),
		append(frame(theme), huge...),
		append(huge, frame(theme)...),
		frame(theme)[:5],
	}
}
