package fuzz_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// FuzzCookieOpen sends any bytes as Cookie headers, one for each line, to a
// manager that seals its cookies or one that signs them. Unless one of the
// genuine cookies is among them, whole and as it was made, nothing can be read,
// no record is asked for and no cookie is sent; and a handler that writes gets
// a session of its own.
func FuzzCookieOpen(f *testing.F) {
	for _, header := range cookieSeeds(sealedSessions, signedSessions, envelope.sealed) {
		f.Add(header, false)
	}
	for _, header := range cookieSeeds(signedSessions, sealedSessions, envelope.signed) {
		f.Add(header, true)
	}
	f.Fuzz(func(t *testing.T, header string, signed bool) {
		sessions := sealedSessions
		if signed {
			sessions = signedSessions
		}
		lines := strings.Split(header, "\n")
		possible, sure := may(sessions, lines)
		inner := newSessions(t)
		site := newSite(t, inner, gimlet.WithCookie(gimlet.Cookie{Signed: signed}))
		var v view
		bounded(t, len(header), perByte, func() {
			var w http.ResponseWriter
			v, w = site.read(lines)
			require.Empty(t, w.Header()["Set-Cookie"], "for reading")
		})
		require.NoError(t, site.failure)
		if v.ID != (store.ID{}) {
			require.Len(t, possible, 1, "without a genuine cookie, or with several")
			possible[0].shows(t, v)
			return
		}
		require.False(t, sure, "a genuine cookie was not accepted")
		require.Equal(t, nobody, v)
		require.Empty(t, inner.take(), "asked the store for a session that nobody has")
		writesOwn(t, site, inner, lines)
	})
}

// writesOwn requires that a request whose cookies open nothing gets a new
// session when it writes, of which nothing comes from the request.
func writesOwn(t *testing.T, site *site, inner *spy, lines []string) {
	t.Helper()
	before := time.Now().Truncate(time.Millisecond)
	id, _, w := site.write(lines)
	require.NoError(t, site.failure)
	require.False(t, id.Reserved())
	require.False(t, id.Created().Before(before) || id.Created().After(time.Now()), "the ID is of %v", id.Created())
	for _, asked := range inner.take() {
		require.Equal(t, id, asked, "the request's bytes have become a key of the store")
	}
	require.LessOrEqual(t, len(w.Header()["Set-Cookie"]), 8)
	browser := jar{}
	browser.take(w)
	v, _ := site.read(browser.lines())
	require.Equal(t, id, v.ID)
	require.Equal(t, map[string]any{"note": "written"}, v.Values)
}

// cookieSeeds are headers with the cookies of sessions, damaged ones, and some
// that a manager of the other kind would accept.
func cookieSeeds(sessions, inOtherForm []genuine, as form) []string {
	stored, alone, long := sessions[0], sessions[1], sessions[2]
	seeds := []string{"", ";", "=", " ; =; \t", "a=b", cookieName, cookieName + "="}
	for _, g := range append(sessions, inOtherForm...) {
		seeds = append(seeds, g.header())
	}
	for b := range damaged([]byte(stored.header()), 40) {
		seeds = append(seeds, string(b))
	}
	for b := range damaged([]byte(long.header()), 8) {
		seeds = append(seeds, string(b))
	}
	for _, name := range []string{
		"id", "__Host-ID", "__host-id", "__Host-id ", "__Host-id.1", "__Host-id.8", "__Host-id.t", "__Host-id.t.1",
		"__Secure-id", "__Host-__Host-id", "x__Host-id", "\x00__Host-id",
	} {
		seeds = append(seeds, name+"=1"+stored.text)
	}
	for digit := range 10 {
		seeds = append(seeds, fmt.Sprintf("%s=%d%s; %[1]s.1=%[3]s", cookieName, digit, long.text[:4000], long.text[4000:]))
	}
	for _, text := range foreignTexts(as) {
		seeds = append(seeds, cookieName+"=1"+text)
	}
	whole := cookieName + "=1" + stored.text
	seeds = append(seeds, lastBits(whole)...)
	return append(seeds,
		whole+"; "+whole,
		whole+"; "+alone.header(),
		whole+"\n"+alone.header(),
		whole+"; "+cookieName+"=1",
		whole+";"+strings.Repeat(cookieName+"=1x;", 3)+cookieName+"=1y;",
		whole+"; "+cookieName+"=1a; "+cookieName+"=1b; "+cookieName+"=1c; "+cookieName+"=1d",
		"\t"+whole+" \t;;; other=\"1\"",
		whole[:40]+"\r"+whole[40:],
		whole+"=",
		whole+"; "+cookieName+".t=1"+alone.second,
		strings.Replace(long.header(), "; ", "; "+cookieName+".1=AAAA; ", 1),
		strings.Repeat(cookieName+"=1AAAA;", 5000),
		strings.Repeat(cookieName+".1=AAAA;", 5000)+whole,
		strings.Repeat("a=b;", 20_000),
		cookieName+"=1"+strings.Repeat("A", 64<<10),
		cookieName+"=8"+strings.Repeat("A", 16<<10)+"; "+cookieName+".1="+strings.Repeat("A", 16<<10),
	)
}

// lastBits are three other texts that differ in the last two bits, which have
// no meaning if the number of bytes is not divisible by three.
func lastBits(text string) (others []string) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	end := len(text) - 1
	for bits := 1; bits < 4; bits++ {
		others = append(others, text[:end]+alphabet[strings.IndexByte(alphabet, text[end])^bits:][:1])
	}
	return others
}

// foreignTexts are made with the right key, and not for a living session's
// cookie of this manager.
func foreignTexts(as form) []string {
	session := payload(endless(flagCarried), aloneID, someSecret, frame(pair{"n", number(5)}), nil)
	reserved := payload(endless(flagStored), store.ID{15: 1}, someSecret, nil, nil)
	expired, future := endless(flagCarried), endless(flagCarried)
	expired.ends = 1
	future.created = 1 << 45
	otherRing := sessionEnvelope
	otherRing.keyID[0] ^= 1
	return []string{
		as(transientEnvelope, session),
		as(tokenEnvelope, session),
		as(newEnvelope("session", "id"), session),
		as(newEnvelope("session\x00", cookieName), session),
		as(otherRing, session),
		as(sessionEnvelope, reserved),
		as(sessionEnvelope, payload(endless(flagStored), store.ID{}, someSecret, nil, nil)),
		as(sessionEnvelope, payload(expired, aloneID, someSecret, nil, nil)),
		as(sessionEnvelope, payload(future, aloneID, someSecret, nil, nil)),
		as(sessionEnvelope, nil),
		as(transientEnvelope, transient(aloneID, someTag, nil, nil)),
	}
}

// What the target relies on: genuine cookies open.
func TestGenuine(t *testing.T) {
	for signed, sessions := range map[bool][]genuine{false: sealedSessions, true: signedSessions} {
		for _, g := range sessions {
			site := newSite(t, newSessions(t), gimlet.WithCookie(gimlet.Cookie{Signed: signed}))
			lines := []string{g.header()}
			possible, sure := may(sessions, lines)
			require.Equal(t, []genuine{g}, possible)
			require.True(t, sure)
			v, _ := site.read(lines)
			g.shows(t, v)
			require.Equal(t, g.values, v.Values)
		}
	}
}
