package truth_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A counter is where texts are presented, and accepted or not.
type counter struct {
	name   string
	share  int      // how many of a hundred forgeries are for it: those that it judges fast are
	head   int      // of a text, before what is in base64
	texts  []string // that it has given out
	others []string // that others have

	// opener returns what opens texts, for one goroutine.
	opener func() func(text string) bool
}

func randomKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

var keyOfAll = randomKey()

// An office is a manager and what it gives out.
type office struct {
	manager *gimlet.Manager
	jars    [][]*http.Cookie // of some sessions: the main cookie and, behind it, the second one
	tokens  []string
}

// openOffice opens a manager that has the key of all, unless the options say otherwise,
// and has sessions begin that have so many bytes in their cookies.
func openOffice(t *testing.T, sizes []int, opts ...gimlet.Option) *office {
	t.Helper()
	opts = append([]gimlet.Option{gimlet.WithKeys(keyOfAll), gimlet.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	m, err := gimlet.New(memory.New(), opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	o := &office{manager: m}
	for _, size := range sizes {
		w := httptest.NewRecorder()
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s := gimlet.From(r)
			s.Set("client", strings.Repeat("x", size), gimlet.ClientSide)
			s.Set("transient", strings.Repeat("y", size%200+1), gimlet.ClientSide|gimlet.Transient)
			require.NoError(t, s.Commit(r.Context()))
			token, err := s.Token()
			require.NoError(t, err)
			o.tokens = append(o.tokens, token)
		})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
		o.jars = append(o.jars, w.Result().Cookies())
	}
	return o
}

// cookies returns the texts of the n-th cookies.
func (o *office) cookies(n int) (texts []string) {
	for _, jar := range o.jars {
		texts = append(texts, jar[n].Value)
	}
	return texts
}

// presents returns what sends the cookies of a jar with another text in the place of the
// n-th, and whether the session shows a value then.
func (o *office) presents(jar []*http.Cookie, n int, key string) func() func(string) bool {
	return func() func(string) bool {
		has := false
		handler := o.manager.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			has = gimlet.From(r).Has(key)
		}))
		r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
		before, after := "", ""
		for i, c := range jar {
			switch {
			case i < n:
				before += c.Name + "=" + c.Value + "; "
			case i > n:
				after += "; " + c.Name + "=" + c.Value
			}
		}
		before += jar[n].Name + "="
		w := nobody{}
		return func(text string) bool {
			r.Header["Cookie"] = []string{before + text + after}
			has = false
			clear(w)
			handler.ServeHTTP(w, r)
			return has
		}
	}
}

// A nobody listens to no response.
type nobody http.Header

func (w nobody) Header() http.Header         { return http.Header(w) }
func (w nobody) Write(b []byte) (int, error) { return len(b), nil }
func (w nobody) WriteHeader(int)             {}

// counters are those at which forgeries are tried. All are offered what is of another
// manager or key, and what is of another cookie.
func counters(t *testing.T) []*counter {
	t.Helper()
	sizes := []int{0, 1, 31, 60, 250}
	open := func(opts ...gimlet.Option) *office { return openOffice(t, sizes, opts...) }
	cookie := func(c gimlet.Cookie) gimlet.Option { return gimlet.WithCookie(c) }
	var others []string
	for _, o := range []*office{open(gimlet.WithName("another")), open(gimlet.WithKeys(randomKey()))} {
		others = append(others, slices.Concat(o.cookies(0), o.cookies(1), o.tokens)...)
	}
	for _, c := range []gimlet.Cookie{{Name: "another"}, {Path: "/another"}, {Name: "another", Signed: true}} {
		o := open(cookie(c))
		others = append(others, slices.Concat(o.cookies(0), o.cookies(1))...)
	}
	sealed, signed, large := open(), open(cookie(gimlet.Cookie{Signed: true})), openOffice(t, []int{5000})
	return []*counter{
		{"sealed cookie", 8, 1, sealed.cookies(0), slices.Concat(others, sealed.cookies(1), signed.cookies(0), sealed.tokens),
			sealed.presents(sealed.jars[0], 0, "client")},
		{"signed cookie", 8, 1, signed.cookies(0), slices.Concat(others, signed.cookies(1), sealed.cookies(0), signed.tokens),
			signed.presents(signed.jars[0], 0, "client")},
		{"second cookie", 2, 1, sealed.cookies(1)[:1], slices.Concat(others, sealed.cookies(0), signed.cookies(1), sealed.tokens),
			sealed.presents(sealed.jars[0], 1, "transient")},
		{"first of several", 1, 1, large.cookies(0), slices.Concat(others, large.cookies(1), sealed.cookies(1)),
			large.presents(large.jars[0], 0, "client")},
		{"second of several", 1, 0, large.cookies(1), slices.Concat(others, large.cookies(0), sealed.cookies(0)),
			large.presents(large.jars[0], 1, "client")},
		{"token", 80, 0, sealed.tokens, slices.Concat(others, sealed.cookies(0), signed.cookies(0)),
			sealed.loads()},
	}
}

// loads returns what loads a session by its token.
func (o *office) loads() func() func(string) bool {
	return func() func(string) bool {
		return func(text string) bool {
			_, err := o.manager.Load(context.Background(), text)
			return err == nil
		}
	}
}
