package gimlet

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store/memory"
)

// withEnv is the configuration that WithEnv makes of variables.
func withEnv(t *testing.T, vars map[string]string, more ...Option) config {
	t.Helper()
	for name, value := range vars {
		t.Setenv("TEST_"+name, value)
	}
	c := defaults()
	for _, opt := range append([]Option{WithEnv("TEST_")}, more...) {
		opt(&c)
	}
	return c
}

var (
	envKey   = []byte("\x01\x94\xb7 a key for tests\xff\xfe, not random!\x00\x7f")
	envOther = []byte("another key for tests?\xfb\xff\xbf of 40 bytes!!!")
)

// Every variable sets what its option sets; one that is not set changes nothing.
func TestWithEnv_variables(t *testing.T) {
	require.Equal(t, 5, func() int { c := withEnv(t, nil, WithMaxSessionsPerOwner(5)); return c.maxPerOwner }())
	std, url := base64.StdEncoding, base64.RawURLEncoding
	keys := func(keys ...[]byte) func(c *config) {
		return func(c *config) { c.keys, c.keysGiven = keys, true }
	}
	tests := []struct {
		name, value string
		want        func(c *config)
	}{
		{"LIFETIME", "168h", func(c *config) { c.lifetime = 168 * time.Hour }},
		{"LIFETIME", " 1h30m\n", func(c *config) { c.lifetime = 90 * time.Minute }},
		{"IDLE_TIMEOUT", "30m", func(c *config) { c.idle = 30 * time.Minute }},
		{"IDLE_TIMEOUT", "0", func(c *config) { c.idle = 0 }},
		{"PERSISTENT", "false", func(c *config) { c.persistent = false }},
		{"PERSISTENT", "1", func(*config) {}},
		{"NAME", "shop", func(c *config) { c.name = "shop" }},
		{"KEYS", hex.EncodeToString(envKey), keys(envKey)},
		{"KEYS", strings.ToUpper(hex.EncodeToString(envKey)), keys(envKey)},
		{"KEYS", std.EncodeToString(envOther), keys(envOther)},
		{"KEYS", std.WithPadding(base64.NoPadding).EncodeToString(envOther), keys(envOther)},
		{"KEYS", url.EncodeToString(envOther), keys(envOther)},
		{"KEYS", base64.URLEncoding.EncodeToString(envOther), keys(envOther)},
		{"KEYS", hex.EncodeToString(envKey) + " , " + std.EncodeToString(envOther), keys(envKey, envOther)},
		{"COOKIE_NAME", "sid", func(c *config) { c.cookie.Name = "sid" }},
		{"COOKIE_DOMAIN", "example.test", func(c *config) { c.cookie.Domain = "example.test" }},
		{"COOKIE_PATH", "/app", func(c *config) { c.cookie.Path = "/app" }},
		{"COOKIE_SAMESITE", "lax", func(c *config) { c.cookie.SameSite = http.SameSiteLaxMode }},
		{"COOKIE_SAMESITE", "Strict", func(c *config) { c.cookie.SameSite = http.SameSiteStrictMode }},
		{"COOKIE_SAMESITE", "NONE", func(c *config) { c.cookie.SameSite = http.SameSiteNoneMode }},
		{"COOKIE_SIGNED", "true", func(c *config) { c.cookie.Signed = true }},
		{"COOKIE_INSECURE", "true", func(c *config) { c.cookie.Insecure = true }},
		{"COOKIE_PARTITIONED", "true", func(c *config) { c.cookie.Partitioned = true }},
		{"COOKIE_MAX_BYTES", "16384", func(c *config) { c.cookie.MaxBytes = 16384 }},
		{"COOKIE_ONLY", "2000", func(c *config) { c.cookieOnly = 2000 }},
		{"CACHE", "0", func(c *config) { c.cacheBytes = 0 }},
		{"CACHE", "5000000000", func(c *config) { c.cacheBytes = 5_000_000_000 }},
		{"MAX_SIZE", "4096", func(c *config) { c.maxSize = 4096 }},
		{"MAX_SESSIONS_PER_OWNER", "3", func(c *config) { c.maxPerOwner = 3 }},
	}
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			got, want := withEnv(t, map[string]string{tt.name: tt.value}), defaults()
			tt.want(&want)
			got.onError, want.onError = nil, nil // functions do not compare
			require.Equal(t, want, got)
		})
	}
}

// Options before it are overridden by what is set, and options after it
// override it.
func TestWithEnv_order(t *testing.T) {
	t.Setenv("TEST_NAME", "from env")
	for _, tt := range []struct {
		opts []Option
		want string
	}{
		{[]Option{WithName("code"), WithEnv("TEST_")}, "from env"},
		{[]Option{WithEnv("TEST_"), WithName("code")}, "code"},
		{[]Option{WithName("code"), WithEnv("OTHER_")}, "code"},
		{[]Option{WithName("code"), WithEnv("")}, "code"},
	} {
		c := defaults()
		for _, opt := range tt.opts {
			opt(&c)
		}
		require.Equal(t, tt.want, c.name)
	}
}

// A variable that cannot be understood is refused by New, by name and without
// its value, which may be a secret in the wrong place.
func TestWithEnv_refused(t *testing.T) {
	const secret = "s3cr3t-Passw0rd"
	tests := map[string][]string{
		"LIFETIME": {secret, "", "7d", "168", "1h " + secret}, "IDLE_TIMEOUT": {secret, ""},
		"PERSISTENT": {secret, "", "yes"}, "COOKIE_SAMESITE": {secret, "", "default"},
		"COOKIE_SIGNED": {secret}, "COOKIE_INSECURE": {secret}, "COOKIE_PARTITIONED": {secret},
		"COOKIE_MAX_BYTES": {secret, "8k", "1e3"}, "COOKIE_ONLY": {secret, "99999999999999999999"},
		"CACHE": {secret, "32MiB"}, "MAX_SIZE": {secret, ""}, "MAX_SESSIONS_PER_OWNER": {secret, "3.5"},
		"KEYS": {secret + "!", hex.EncodeToString(envKey) + "," + secret + "!", hex.EncodeToString(envKey) + "0, %"},
	}
	for name, values := range tests {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				t.Setenv("TEST_"+name, value)
				m, err := New(memory.New(), WithEnv("TEST_"))
				require.Nil(t, m)
				require.ErrorContains(t, err, "gimlet: New: WithEnv: TEST_"+name+" cannot be understood")
				require.NotContains(t, err.Error(), "s3cr3t")
				if value != "" {
					require.NotContains(t, err.Error(), value)
				}
				hides(t, err.Error(), envKey)
			})
		}
	}
}

// What can be understood is still checked like the option that it sets, and no
// key is shown.
func TestWithEnv_checked(t *testing.T) {
	short := envKey[:20]
	tests := map[string]struct{ value, says string }{
		"KEYS":             {hex.EncodeToString(envKey) + "," + hex.EncodeToString(short), "WithKeys: key 2 has 20 bytes"},
		"NAME":             {"", "WithName: "},
		"LIFETIME":         {"-1h", "a lifetime of -1h0m0s"},
		"COOKIE_PATH":      {"app", "WithCookie: "},
		"COOKIE_MAX_BYTES": {"5", "WithCookie: MaxBytes 5"},
		"COOKIE_ONLY":      {"9000", "WithCookieOnly: "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TEST_"+name, tt.value)
			_, err := New(memory.New(), WithEnv("TEST_"))
			require.ErrorContains(t, err, tt.says)
			hides(t, err.Error(), short)
		})
	}
	t.Run("an empty list of keys", func(t *testing.T) {
		t.Setenv("TEST_KEYS", "")
		_, err := New(memory.New(), WithEnv("TEST_"))
		require.ErrorContains(t, err, "WithKeys: key 1 has 0 bytes")
	})
}
