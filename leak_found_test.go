package gimlet_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
)

// forms are the ways in which a secret could be written, each with how many
// characters of it count as a leak wherever they are cut out.
func forms(secret string) map[string]int {
	b, n := []byte(secret), need(secret)
	list := map[string]int{
		secret:                                  n,
		hex.EncodeToString(b):                   2*n + 1,
		strings.ToUpper(hex.EncodeToString(b)):  2*n + 1,
		fmt.Sprintf("% x", b):                   3*n + 2,
		strings.Trim(fmt.Sprint(b), "[]"):       4*n + 6,
		fmt.Sprintf("%#v", b):                   6*n + 12,
		fmt.Sprintf("%#v", [1]any{b}):           6*n + 22,
		fmt.Sprintf("%q", secret):               4*n + 6,
		fmt.Sprintf("%+q", secret):              6*n + 6,
		base64.RawStdEncoding.EncodeToString(b): 4*n/3 + 5,
		base64.RawURLEncoding.EncodeToString(b): 4*n/3 + 5,
	}
	for _, front := range []string{"x", "xy"} { // behind something else
		list[base64.RawURLEncoding.EncodeToString([]byte(front+secret))] = 4*n/3 + 5 + len(front) + 1
	}
	return list
}

// samples are secrets of the kinds that there are.
func samples(t *testing.T) map[string]string {
	random := rand.NewChaCha8([32]byte{7})
	some := func(n int) string {
		b := make([]byte, n)
		_, err := random.Read(b)
		require.NoError(t, err)
		return string(b)
	}
	return map[string]string{
		"a tag": some(8), "a secret": some(16), "a key": some(32), "a body": some(200),
		"a text": base64.RawURLEncoding.EncodeToString([]byte(some(120))), "a given key": `k3y:"8Jq0Zt5\Wc2Rm9Xv4Lp7Ns1Bd6HgYf`,
	}
}

// A secret is found in every form, and every part of it that is long enough.
func TestLeak_everyFormAndPart(t *testing.T) {
	for what, secret := range samples(t) {
		t.Run(what, func(t *testing.T) {
			kept := secrets{secret: what}
			for form, least := range forms(secret) {
				least = min(least, len(form))
				for from := 0; from+least <= len(form); from++ {
					line := "level=INFO msg=\"" + form[from:from+least] + "\" user=12"
					require.Len(t, kept.found(map[string]string{line: ""}), 1, "%q of %q", form[from:from+least], form)
				}
			}
			require.Len(t, kept.found(map[string]string{secret[:need(secret)]: ""}), 1)
			require.Empty(t, kept.found(map[string]string{secret[:need(secret)-1]: ""}), "too short to be no chance")
		})
	}
}

// Of many secrets and lines the right ones are named, and nothing is found by
// chance.
func TestLeak_amongMany(t *testing.T) {
	random := rand.NewChaCha8([32]byte{8})
	draw := func(n int) string {
		b := make([]byte, n)
		_, err := random.Read(b)
		require.NoError(t, err)
		return string(b)
	}
	kept, lines := make(secrets), make(map[string]string)
	for i := range 5000 {
		kept.add(fmt.Sprint("secret ", i), draw(16))
		kept.sealed(fmt.Sprint("cookie ", i), "1"+base64.RawURLEncoding.EncodeToString([]byte("\x01\x01\x02\x03\x04\x4f\xe7"+draw(100))))
		lines[fmt.Sprintf("%x %v", draw(16), []byte(draw(8)))] = "elsewhere"
		lines[base64.StdEncoding.EncodeToString([]byte(draw(20)))] = "elsewhere"
	}
	require.Len(t, kept, 15000)
	require.Empty(t, kept.found(lines))
	planted := draw(16)
	kept.add("the planted one", planted)
	line := fmt.Sprintf("session=%x", planted)
	lines[line] = "TestHere"
	require.Equal(t, []leak{{"the planted one", planted, line, "TestHere"}}, kept.found(lines))
}

// What a cookie shows in front and how it is padded is no secret; all the rest
// is, as text and as bytes.
func TestLeak_cookie(t *testing.T) {
	body := samples(t)["a body"]
	text := base64.RawURLEncoding.EncodeToString([]byte("\x01\x01\x02\x03\x04\x4f\xe7" + body))
	for _, value := range []string{"1" + text, text} {
		kept := make(secrets)
		kept.sealed("a cookie", value)
		require.Len(t, kept, 2)
		for _, line := range []string{"key 01020304", "0101020304 4fe7", text[:12], strings.Repeat("A", 100), strings.Repeat("0", 100)} {
			require.Empty(t, kept.found(map[string]string{line: ""}), line)
		}
		require.NotEmpty(t, kept.found(map[string]string{text[60:75]: ""}))
		require.NotEmpty(t, kept.found(map[string]string{hex.EncodeToString([]byte(body[50:60])): ""}))
	}
	chunk := strings.Repeat(text, 3)[20:220]
	kept := make(secrets)
	kept.sealed("a chunk", chunk)
	kept.sealed("no cookie of ours", "theme=dark")
	require.Equal(t, secrets{chunk: "a chunk"}, kept)
}

// A cookie or token that was told is seen even if nobody has kept it; IDs and
// words are none.
func TestLeak_envelope(t *testing.T) {
	m := newManager(t)
	_, token := newToken(t, m)
	for _, line := range []string{token, "cookie=1" + token[:30] + "…", `{"token":"` + token + `"}`} {
		require.Len(t, envelopes(map[string]string{line: ""}), 1, line)
	}
	for _, line := range []string{m.Begin(t.Context()).ID().String(), "AQ", "anAgreementThatIsVeryLongIndeed", "AgreementsThatAreVeryLongIndeed"} {
		require.Empty(t, envelopes(map[string]string{line: ""}), line)
	}
}

// A wiretap hears what is in groups, in attributes of the logger, behind
// LogValue, in errors' causes and in the fields of events.
func TestLeak_wiretap(t *testing.T) {
	secret := "\x81\x92\xa3\xb4\xc5\xd6\n\xe7\xf8\x89\x9a\xab\n\xbc\xcd\xde"
	inner, err := json.Marshal(map[string]string{"token": hex.EncodeToString([]byte(secret))})
	require.NoError(t, err)
	tells := map[string]func(w *wiretap){
		"attr":      func(w *wiretap) { slog.New(w).Debug("m", "k", []byte(secret)) },
		"key":       func(w *wiretap) { slog.New(w).Debug("m", secret, 1) },
		"message":   func(w *wiretap) { slog.New(w).Debug(secret) },
		"with":      func(w *wiretap) { slog.New(w).With("k", secret).Info("m") },
		"group":     func(w *wiretap) { slog.New(w).Info("m", slog.Group("g", slog.Group("h", "k", string(inner)))) },
		"groupname": func(w *wiretap) { slog.New(w).WithGroup(secret).Info("m") },
		"valuer":    func(w *wiretap) { slog.New(w).Info("m", "k", talkative(secret)) },
		"struct":    func(w *wiretap) { slog.New(w).Info("m", "k", struct{ inner [16]byte }{[16]byte([]byte(secret))}) },
		"event":     func(w *wiretap) { w.event(t.Context(), gimlet.Event{Owner: secret}) },
		"event ID":  func(w *wiretap) { w.event(t.Context(), gimlet.Event{ID: [16]byte([]byte(secret))}) },
		"cause":     func(w *wiretap) { w.error(fmt.Errorf("open: %w", &gimlet.ValueError{Err: quiet{secret}})) },
		"line ends": func(w *wiretap) { w.print("a\n" + secret + "\nb") },
	}
	for name, tell := range tells {
		w, told := newTap()
		tell(w)
		require.Len(t, secrets{secret: "a secret"}.found(told.take()), 1, name)
	}
}

type talkative string

func (v talkative) LogValue() slog.Value { return slog.GroupValue(slog.String("inner", string(v))) }

// A quiet error shows in its fields what it does not say.
type quiet struct{ secret string }

func (quiet) Error() string { return "nothing to see" }
