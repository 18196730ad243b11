package gimlet_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// New validates the options together, and says of each what is wrong and what
// to use instead.
func TestOptions_refused(t *testing.T) {
	type opts = []gimlet.Option
	const hour = time.Hour
	lifetime, idle := "a lifetime of ", "an idle timeout of "
	tests := map[string]struct {
		opts opts
		says string
	}{
		"no lifetime":           {opts{gimlet.WithLifetime(0)}, lifetime + "0s is not between 1 second and 400 days"},
		"negative lifetime":     {opts{gimlet.WithLifetime(-hour)}, lifetime + "-1h0m0s is not between"},
		"tiny lifetime":         {opts{gimlet.WithLifetime(time.Second - 1)}, lifetime},
		"long lifetime":         {opts{gimlet.WithLifetime(400*days + 1)}, "the longest that browsers keep a cookie"},
		"negative idle":         {opts{gimlet.WithIdleTimeout(-1)}, idle + "-1ns is neither 0 nor between"},
		"tiny idle":             {opts{gimlet.WithIdleTimeout(time.Second - 1)}, idle},
		"long idle":             {opts{gimlet.WithIdleTimeout(400*days + 1)}, idle},
		"no name":               {opts{gimlet.WithName("")}, "WithName: a name has 1 to 64 bytes"},
		"a name with a NUL":     {opts{gimlet.WithName("a\x00b")}, "WithName: a name has 1 to 64 bytes, none of which is NUL"},
		"long name":             {opts{gimlet.WithName(strings.Repeat("x", 65))}, "WithName: a name has 1 to 64 bytes"},
		"negative cookie-only":  {opts{gimlet.WithCookieOnly(-1)}, "WithCookieOnly: -1 bytes"},
		"large cookie-only":     {opts{gimlet.WithCookieOnly(7681)}, "use at most 7680, or raise it"},
		"negative cache":        {opts{gimlet.WithCache(-1)}, "WithCache: -1 bytes are too few"},
		"small cache":           {opts{gimlet.WithCache(64<<10 - 1)}, "use at least 65536, or 0 for no cache"},
		"absurd cache":          {opts{gimlet.WithCache(1 << 60)}, "WithCache: 1152921504606846976 bytes are more than"},
		"negative compression":  {opts{gimlet.WithCompression(-1)}, "WithCompression: -1 is not one of"},
		"unknown compression":   {opts{gimlet.WithCompression(gimlet.CompressionNone + 1)}, "is not one of CompressionFastest"},
		"no codec":              {opts{gimlet.WithCodec(nil)}, "WithCodec: nil: leave the option out for CBOR"},
		"no size":               {opts{gimlet.WithMaxSize(0)}, "WithMaxSize: 0 is not between 1 and 15728640 bytes"},
		"large size":            {opts{gimlet.WithMaxSize(15<<20 + 1)}, "WithMaxSize: 15728641 is not"},
		"negative per owner":    {opts{gimlet.WithMaxSessionsPerOwner(-1)}, "use 0 for no bound"},
		"hasty renewal":         {opts{gimlet.WithRenewal(time.Millisecond, 1)}, "WithRenewal: 1ms is too often"},
		"negative renewal":      {opts{gimlet.WithRenewal(-1, 0)}, "WithRenewal: a negative time"},
		"negative grace":        {opts{gimlet.WithRenewal(hour, -1)}, "WithRenewal: a negative time"},
		"no grace":              {opts{gimlet.WithRenewal(hour, 0)}, "must be above 0 and below 1h0m0s"},
		"long grace":            {opts{gimlet.WithRenewal(hour, hour)}, "must be above 0 and below 1h0m0s"},
		"level 4":               {opts{gimlet.WithAAL(4)}, "WithAAL: there is no level 4: use 1, 2 or 3"},
		"level -1":              {opts{gimlet.WithAAL(-1)}, "WithAAL: there is no level -1"},
		"level 1, long":         {opts{gimlet.WithAAL(1), gimlet.WithLifetime(30*days + 1)}, "assurance level 1 allows (720h0m0s)"},
		"level 2, long":         {opts{gimlet.WithAAL(2), gimlet.WithLifetime(25 * hour)}, "assurance level 2 allows (24h0m0s)"},
		"level 2, long idle":    {opts{gimlet.WithAAL(2), gimlet.WithIdleTimeout(hour + 1)}, "assurance level 2 allows (1h0m0s)"},
		"level 2, no idle":      {opts{gimlet.WithAAL(2), gimlet.WithIdleTimeout(0)}, "assurance level 2 allows (1h0m0s)"},
		"level 3, long":         {opts{gimlet.WithAAL(3), gimlet.WithLifetime(12*hour + 1)}, "assurance level 3 allows (12h0m0s)"},
		"level 3, long idle":    {opts{gimlet.WithAAL(3), gimlet.WithIdleTimeout(16 * time.Minute)}, "assurance level 3 allows (15m0s)"},
		"level 3 after level 2": {opts{gimlet.WithAAL(2), gimlet.WithAAL(3), gimlet.WithLifetime(24 * hour)}, "assurance level 3 allows"},
		"unknown site data":     {opts{gimlet.WithClearSiteData("cache", "everything")}, `WithClearSiteData: "everything" is not one of`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := gimlet.New(memory.New(), tt.opts...)
			require.Nil(t, m)
			require.ErrorContains(t, err, "gimlet: New: ")
			require.ErrorContains(t, err, tt.says)
		})
	}
	var all []gimlet.Option
	for _, name := range []string{"no name", "no codec", "no size", "level 4", "no lifetime", "small cache", "negative grace"} {
		all = append(all, tests[name].opts...)
	}
	_, err := gimlet.New(memory.New(), all...)
	for _, says := range []string{"WithName", "WithCodec", "WithMaxSize", "WithAAL", "a lifetime", "WithCache", "WithRenewal"} {
		require.ErrorContains(t, err, says, "all at once")
	}
}

// The bounds themselves are taken, and an option that is nil is none.
func TestOptions_bounds(t *testing.T) {
	for _, opts := range [][]gimlet.Option{
		{nil},
		{gimlet.WithLifetime(time.Second), gimlet.WithIdleTimeout(time.Second)},
		{gimlet.WithLifetime(400 * days), gimlet.WithIdleTimeout(400 * days)},
		{gimlet.WithName("x")}, {gimlet.WithName(strings.Repeat("x", 64))},
		{gimlet.WithCookieOnly(7680)}, {gimlet.WithCookieOnly(1)},
		{gimlet.WithCookieOnly(32768 - 512), gimlet.WithCookie(gimlet.Cookie{MaxBytes: 32768})},
		{gimlet.WithCache(64 << 10)}, {gimlet.WithMaxSize(1)}, {gimlet.WithMaxSize(15 << 20)},
		{gimlet.WithRenewal(time.Second, 1)}, {gimlet.WithRenewal(0, 5)}, {gimlet.WithMaxSessionsPerOwner(1)},
		{gimlet.WithAAL(1), gimlet.WithIdleTimeout(30 * days)}, {gimlet.WithAAL(2), gimlet.WithIdleTimeout(time.Hour)},
		{gimlet.WithAAL(3), gimlet.WithLifetime(time.Hour)}, {gimlet.WithAAL(0)},
		{gimlet.WithLogger(nil), gimlet.WithEvents(nil), gimlet.WithBinding(nil), gimlet.WithErrorHandler(nil)},
	} {
		m, err := gimlet.New(memory.New(), opts...)
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
}

// Without a store New says which there are.
func TestNew_noStore(t *testing.T) {
	m, err := gimlet.New(nil)
	require.Nil(t, m)
	require.ErrorContains(t, err, "bolt.Open(path)")
	require.ErrorContains(t, err, "memory.New()")
}

// Of two options that set the same thing the last one wins, also over one that
// would be refused.
func TestOptions_lastWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t,
			gimlet.WithLifetime(-1), gimlet.WithLifetime(3*time.Hour),
			gimlet.WithIdleTimeout(-1), gimlet.WithIdleTimeout(2*time.Hour),
			gimlet.WithPersistent(false), gimlet.WithPersistent(true),
			gimlet.WithCookie(gimlet.Cookie{Name: "first", Path: "bad", SameSite: http.SameSiteStrictMode}),
			gimlet.WithCookie(gimlet.Cookie{Name: "second"}),
			gimlet.WithKeys([]byte("too short")), gimlet.WithKeys(key(1)),
			gimlet.WithAAL(9), gimlet.WithAAL(1), gimlet.WithIdleTimeout(2*time.Hour),
			gimlet.WithName(""), gimlet.WithName("named"),
			gimlet.WithCodec(nil), gimlet.WithCodec(gimlet.CBOR()),
		)
		p := newLocal(t, m).begins().ask("/set")
		got := attributes(t, p.Header.Get("Set-Cookie"))
		require.Equal(t, "__Host-second", p.Cookies()[0].Name)
		require.Equal(t, "Lax", got["SameSite"])
		require.Equal(t, "7200", got["Max-Age"])
	})
}

// WithAAL sets lifetime and idle timeout to what NIST SP 800-63B-4 asks for,
// and refuses longer ones for one session too.
func TestWithAAL_perSession(t *testing.T) {
	const hour = time.Hour
	tests := map[int]struct{ lifetime, idle time.Duration }{1: {30 * days, 0}, 2: {24 * hour, hour}, 3: {12 * hour, 15 * time.Minute}}
	for level, want := range tests {
		synctest.Test(t, func(t *testing.T) {
			m := newManager(t, gimlet.WithAAL(level))
			site := newLocal(t, m).begins()
			var end time.Time
			site.do("/end", func(s *gimlet.Session) { s.Get("n"); end = s.Expires() })
			site.do("/longer", func(s *gimlet.Session) { s.SetLifetime(want.lifetime + time.Second) })
			site.do("/longer/idle", func(s *gimlet.Session) { s.SetIdleTimeout(want.idle + time.Second) })
			site.do("/never", func(s *gimlet.Session) { s.SetIdleTimeout(0) })
			site.do("/shorter", func(s *gimlet.Session) { s.SetLifetime(10 * time.Minute); s.SetIdleTimeout(time.Minute) })
			b := site.browser()
			b.ok("/set")
			b.ok("/end")
			first := want.lifetime
			if want.idle > 0 {
				first = want.idle
			}
			require.Equal(t, time.Now().Add(first), end, "level %d", level)
			require.Equal(t, http.StatusInternalServerError, b.get("/longer").StatusCode, "level %d", level)
			if level > 1 {
				require.Equal(t, http.StatusInternalServerError, b.get("/longer/idle").StatusCode, "level %d", level)
				require.Equal(t, http.StatusInternalServerError, b.get("/never").StatusCode, "level %d", level)
			}
			b.ok("/end")
			require.Equal(t, time.Now().Add(first), end, "nothing has changed")
			b.ok("/shorter")
			b.ok("/end")
			require.Equal(t, time.Now().Add(time.Minute), end)
		})
	}
}
