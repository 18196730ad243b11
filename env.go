package gimlet

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// WithEnv reads options from environment variables whose names begin with
// prefix, "GIMLET_" say. A variable that is not set changes nothing; one that
// cannot be understood is refused by [New], by name and without its value.
//
//	LIFETIME, IDLE_TIMEOUT    durations: 168h, 30m
//	PERSISTENT                true or false
//	NAME                      the manager's name
//	KEYS, KEY_ENCRYPTION      keys in base64 or hexadecimal digits, with commas between
//	COOKIE_NAME, COOKIE_DOMAIN, COOKIE_PATH
//	COOKIE_SAMESITE           lax, strict or none
//	COOKIE_SIGNED, COOKIE_INSECURE, COOKIE_PARTITIONED
//	COOKIE_MAX_BYTES, COOKIE_ONLY, CACHE, MAX_SIZE    numbers of bytes
//	MAX_SESSIONS_PER_OWNER    a number
func WithEnv(prefix string) Option {
	return func(c *config) {
		e := env{c, prefix}
		read(e, "LIFETIME", time.ParseDuration, &c.lifetime)
		read(e, "IDLE_TIMEOUT", time.ParseDuration, &c.idle)
		read(e, "PERSISTENT", strconv.ParseBool, &c.persistent)
		read(e, "NAME", parseText, &c.name)
		if read(e, "KEYS", parseKeys, &c.keys) {
			c.keysGiven = true
		}
		if read(e, "KEY_ENCRYPTION", parseKeys, &c.encryption) {
			c.encryptionGiven = true
		}
		read(e, "COOKIE_NAME", parseText, &c.cookie.Name)
		read(e, "COOKIE_DOMAIN", parseText, &c.cookie.Domain)
		read(e, "COOKIE_PATH", parseText, &c.cookie.Path)
		read(e, "COOKIE_SAMESITE", parseSameSite, &c.cookie.SameSite)
		read(e, "COOKIE_SIGNED", strconv.ParseBool, &c.cookie.Signed)
		read(e, "COOKIE_INSECURE", strconv.ParseBool, &c.cookie.Insecure)
		read(e, "COOKIE_PARTITIONED", strconv.ParseBool, &c.cookie.Partitioned)
		read(e, "COOKIE_MAX_BYTES", strconv.Atoi, &c.cookie.MaxBytes)
		read(e, "COOKIE_ONLY", strconv.Atoi, &c.cookieOnly)
		read(e, "CACHE", parseInt64, &c.cacheBytes)
		read(e, "MAX_SIZE", strconv.Atoi, &c.maxSize)
		read(e, "MAX_SESSIONS_PER_OWNER", strconv.Atoi, &c.maxPerOwner)
	}
}

type env struct {
	config *config
	prefix string
}

// read parses a variable into dst, if it is set. The error says nothing of the
// value, which may be a secret.
func read[T any](e env, name string, parse func(string) (T, error), dst *T) bool {
	text, ok := os.LookupEnv(e.prefix + name)
	if !ok {
		return false
	}
	v, err := parse(strings.TrimSpace(text))
	if err != nil {
		kind := fmt.Sprintf("%T", v)
		if _, ok := any(v).([][]byte); ok {
			kind = "keys in base64 or hexadecimal digits"
		}
		e.config.errs = append(e.config.errs, fmt.Errorf("WithEnv: %s%s cannot be understood: it is to be %s", e.prefix, name, kind))
		return false
	}
	*dst = v
	return true
}

func parseText(s string) (string, error) { return s, nil }

func parseInt64(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

func parseSameSite(s string) (http.SameSite, error) {
	switch strings.ToLower(s) {
	case "lax":
		return http.SameSiteLaxMode, nil
	case "strict":
		return http.SameSiteStrictMode, nil
	case "none":
		return http.SameSiteNoneMode, nil
	}
	return 0, strconv.ErrSyntax
}

func parseKeys(s string) ([][]byte, error) {
	var keys [][]byte
	for text := range strings.SplitSeq(s, ",") {
		key, err := parseKey(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseKey(text string) ([]byte, error) {
	if key, err := hex.DecodeString(text); err == nil {
		return key, nil
	}
	text = strings.TrimRight(text, "=")
	if key, err := base64.RawStdEncoding.DecodeString(text); err == nil {
		return key, nil
	}
	return base64.RawURLEncoding.DecodeString(text)
}
