package gimlet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Option changes a default of [New]. Of two that set the same thing the
// last one wins. New checks them all together.
type Option func(*config)

type config struct {
	name            string
	lifetime        time.Duration
	idle            time.Duration
	persistent      bool
	cookie          Cookie
	keys            [][]byte
	keysGiven       bool
	encryption      [][]byte
	encryptionGiven bool
	cookieOnly      int
	cacheBytes      int64
	compression     Compression
	codec           Codec
	maxSize         int
	maxPerOwner     int
	limitPolicy     LimitPolicy
	manualCommit    bool
	renewEvery      time.Duration
	grace           time.Duration
	aal             int
	logger          *slog.Logger
	onError         func(http.ResponseWriter, *http.Request, error)
	events          func(context.Context, Event)
	binding         func(*http.Request) string
	bindingAction   BindingAction
	clearSiteData   string
	errs            []error
}

// The defaults.
const (
	defaultLifetime = 7 * 24 * time.Hour
	defaultIdle     = 24 * time.Hour
	defaultCache    = 32 << 20
	defaultMaxSize  = 1 << 20
)

func defaults() config {
	return config{
		name:       "default",
		lifetime:   defaultLifetime,
		idle:       defaultIdle,
		persistent: true,
		cacheBytes: defaultCache,
		codec:      CBOR(),
		maxSize:    defaultMaxSize,
		onError:    defaultErrorHandler,
	}
}

// WithName names the manager, "default" by default, in 1 to 64 bytes other
// than NUL. Key ring and seals belong to the name, so that managers of
// different names on one store cannot open each other's cookies, and so does
// [Manager.RevokeAll]. Owners do not: what one manager does to the sessions of
// an owner it does to those of the other, too. Give managers whose users are
// not the same a store each.
func WithName(name string) Option {
	return func(c *config) { c.name = name }
}

// WithLifetime sets how long a session lives at most, however it is used: 7
// days by default, and at most 400, the longest that browsers keep a cookie.
// Login begins the time anew.
func WithLifetime(d time.Duration) Option {
	return func(c *config) { c.lifetime = d }
}

// WithIdleTimeout sets how long a session lives without being used: 24 hours
// by default; 0 is no idle timeout. Use means that a handler touched it.
// Moving the deadline is written down at most once in a tenth of the timeout,
// so a session may end up to a tenth early, never late.
func WithIdleTimeout(d time.Duration) Option {
	return func(c *config) { c.idle = d }
}

// WithPersistent says whether cookies outlive the browser's closing, up to the
// session's end: true by default. [Session.SetPersistent] changes it for one
// session.
func WithPersistent(on bool) Option {
	return func(c *config) { c.persistent = on }
}

// WithCookie configures the cookies.
func WithCookie(cookie Cookie) Option {
	return func(c *config) { c.cookie = cookie }
}

// WithKeys sets the keys that seal cookies: the first seals, all of them open.
// To rotate, put a new key in front, and take an old one out when no cookie
// sealed with it can be alive. Each needs at least 32 random bytes. Without
// this option, keys are made, kept in the store and rotated by themselves.
func WithKeys(keys ...[]byte) Option {
	clones := cloneKeys(keys)
	return func(c *config) { c.keys, c.keysGiven = clones, true }
}

// WithKeyEncryption encrypts the key ring in the store with a key that is not
// there, so that a stolen file or backup does not let its thief forge cookies.
// The first key encrypts, all decrypt: to change it, put the new one in front,
// start once, and take the old one out. Without its key the ring cannot be
// used, and New says so. A ring that was in the clear is encrypted at the next
// start, but it still stands in free pages of the file, so in new backups, and
// in copies from before: call Compact of store/bolt, which drops the free
// pages, and then [Manager.RevokeKeys] with the present time, which makes
// worthless what the copies show.
func WithKeyEncryption(keys ...[]byte) Option {
	clones := cloneKeys(keys)
	return func(c *config) { c.encryption, c.encryptionGiven = clones, true }
}

func cloneKeys(keys [][]byte) [][]byte {
	clones := make([][]byte, len(keys))
	for i, key := range keys {
		clones[i] = slices.Clone(key)
	}
	return clones
}

// WithCookieOnly lets sessions live in the cookie alone, without a record in
// the store, while their sealed form has at most maxBytes bytes. One that
// grows beyond moves to the store, and back when it shrinks. A session with an
// owner always has a record, so that it can be listed. maxBytes must be below
// Cookie.MaxBytes; 0 turns it off. [Session.SetStored] gives one session a
// record all the same.
//
// Of overlapping requests that change such a session, the response that
// reaches the browser last wins, and a copy of an older cookie shows the older
// values while the session lives. A session that moves back into the cookie is
// lost if that response does not reach the browser.
func WithCookieOnly(maxBytes int) Option {
	return func(c *config) { c.cookieOnly = maxBytes }
}

// WithCache sets how much memory the read cache may use: 32 MiB by default,
// at least 64 KiB and at most 64 GiB; 0 turns it off.
func WithCache(bytes int64) Option {
	return func(c *config) { c.cacheBytes = bytes }
}

// WithCompression says how records are compressed in the store. Records that
// were written with another setting stay readable.
func WithCompression(compression Compression) Option {
	return func(c *config) { c.compression = compression }
}

// A Compression says how much work goes into making records smaller.
type Compression int

const (
	// CompressionFastest is zstd at its fastest level, for records that are
	// large enough to gain from it, and S2 with a dictionary for shorter ones.
	// The dictionary is made in the background of what the sessions of many
	// people have in common, and kept in the store. It is the default.
	CompressionFastest Compression = iota
	// CompressionBalanced is zstd at its default level: smaller by two or
	// three percent, at up to half as much work again.
	CompressionBalanced
	// CompressionNone stores records as they are, and makes no dictionary.
	CompressionNone
)

// WithCodec sets how values become bytes: [CBOR] by default. Values that
// another codec wrote cannot be read, so choose before the first session.
func WithCodec(codec Codec) Option {
	return func(c *config) { c.codec = codec }
}

// WithMaxSize bounds the encoded size of a session's keys and values: 1 MiB
// by default, and at most 15 MiB. Beyond it a session fails with [ErrTooLarge].
func WithMaxSize(bytes int) Option {
	return func(c *config) { c.maxSize = bytes }
}

// WithMaxSessionsPerOwner bounds how many sessions an owner can have: Login
// ends the ones that were logged in longest ago, unless [WithLimitPolicy] says
// otherwise. 0, the default, is no bound.
func WithMaxSessionsPerOwner(n int) Option {
	return func(c *config) { c.maxPerOwner = n }
}

// WithManualCommit leaves saving to [Session.Commit]: what a request has not
// committed when it ends is forgotten. What the options ask for needs no
// Commit: the idle deadline moves, and [WithRenewal] and [BindingRenew] renew.
func WithManualCommit(on bool) Option {
	return func(c *config) { c.manualCommit = on }
}

// WithRenewal gives every session a new token once in a while: on its first
// use after every has passed since the last one. The old token works for
// another grace, so that requests that are under way with it succeed; they all
// get the same new one. API tokens of a session end with a renewal as its
// cookies do. Sessions that live in the cookie alone are not renewed, nor are
// others by a request that first uses its session after the headers of its
// response, which cannot carry the token. 0, the default, turns it off.
func WithRenewal(every, grace time.Duration) Option {
	return func(c *config) { c.renewEvery, c.grace = every, grace }
}

// WithLogger sets where warnings and errors go: [slog.Default] by default.
// No token, cookie, ring key or value is ever logged, at any level.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) { c.logger = logger }
}

// WithErrorHandler sets what answers a request whose session failed, instead
// of its handler, of whose output nothing leaves. err wraps [ErrGone],
// [ErrTooLarge] or an error of the store, among others. By default the answer
// is 503 for errors of the store, 409 for ErrGone and [ErrTooManySessions], and
// 500 for the rest, which are errors of the program.
//
// f finds the headers that middleware around [Manager.Handler] has set, and
// Cache-Control: no-store. r is the request as the handler got it, and its
// session the one that failed: it reads as empty.
func WithErrorHandler(f func(w http.ResponseWriter, r *http.Request, err error)) Option {
	return func(c *config) {
		if f == nil {
			f = defaultErrorHandler
		}
		c.onError = f
	}
}

// WithClearSiteData makes the response to a request that destroyed its session
// carry Clear-Site-Data over TLS, with types such as "cache", "cookies",
// "storage", so that the browser removes what it keeps of the site. It is left
// out if the request began another session, whose cookie would be removed too.
func WithClearSiteData(types ...string) Option {
	return func(c *config) {
		c.clearSiteData = ""
		for i, t := range types {
			if i > 0 {
				c.clearSiteData += ", "
			}
			c.clearSiteData += `"` + t + `"`
			if !slices.Contains(siteData, t) {
				c.errs = append(c.errs, fmt.Errorf("WithClearSiteData: %q is not one of %q", t, siteData))
			}
		}
	}
}

var siteData = []string{"cache", "cookies", "storage", "executionContexts", "clientHints", "prefetchCache", "prerenderCache", "*"}

// check validates the options together and resolves the cookie.
func (c *config) check() error {
	cookie, err := c.cookie.resolve()
	c.cookie = cookie
	errs := append(c.errs, err, c.checkLifetime(c.lifetime), c.checkIdle(c.idle))
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	if c.keysGiven {
		errs = append(errs, checkKeys("WithKeys", c.keys))
	}
	if c.encryptionGiven {
		errs = append(errs, checkKeys("WithKeyEncryption", c.encryption))
		refuse(c.keysGiven, "WithKeyEncryption: with WithKeys there is no key ring to encrypt: leave one of them out")
	}
	_, known := aals[c.aal]
	refuse(c.aal != 0 && !known, "WithAAL: there is no level %d: use 1, 2 or 3", c.aal)
	refuse(c.name == "" || len(c.name) > 64 || strings.ContainsRune(c.name, 0), "WithName: a name has 1 to 64 bytes, none of which is NUL")
	refuse(c.cookieOnly < 0 || c.cookieOnly > c.cookie.MaxBytes-512, "WithCookieOnly: %d bytes do not fit below Cookie.MaxBytes (%d) with room for names and attributes: use at most %d, or raise it", c.cookieOnly, c.cookie.MaxBytes, c.cookie.MaxBytes-512)
	refuse(c.cacheBytes != 0 && c.cacheBytes < minCache, "WithCache: %d bytes are too few to be of use: use at least %d, or 0 for no cache", c.cacheBytes, minCache)
	refuse(c.cacheBytes > maxCache, "WithCache: %d bytes are more than a cache of sessions can use: use at most %d", c.cacheBytes, int64(maxCache))
	refuse(c.compression < CompressionFastest || c.compression > CompressionNone, "WithCompression: %d is not one of CompressionFastest, CompressionBalanced, CompressionNone", c.compression)
	refuse(c.codec == nil, "WithCodec: nil: leave the option out for CBOR")
	refuse(c.maxSize < 1 || c.maxSize > maxMaxSize, "WithMaxSize: %d is not between 1 and %d bytes", c.maxSize, maxMaxSize)
	refuse(c.bindingAction < BindingRefuse || c.bindingAction > BindingEnd, "WithBindingAction: there is no action %d", c.bindingAction)
	refuse(c.limitPolicy < EndOldest || c.limitPolicy > RefuseLogin, "WithLimitPolicy: %d is neither EndOldest nor RefuseLogin", c.limitPolicy)
	refuse(c.maxPerOwner < 0, "WithMaxSessionsPerOwner: %d is negative: use 0 for no bound", c.maxPerOwner)
	refuse(c.renewEvery < 0 || c.grace < 0, "WithRenewal: a negative time")
	refuse(c.renewEvery > 0 && c.renewEvery < time.Second, "WithRenewal: %v is too often: use at least a second", c.renewEvery)
	refuse(c.renewEvery > 0 && (c.grace == 0 || c.grace >= c.renewEvery), "WithRenewal: the grace (%v) must be above 0 and below %v, or requests that are under way lose their session", c.grace, c.renewEvery)
	return errors.Join(errs...)
}
