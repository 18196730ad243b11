package gimlet_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A session from before WithAAL was given has, from its next Login on, no longer
// times than the level allows, whatever it brings along.
func TestWithAAL_loginOfAnOldSession(t *testing.T) {
	for level, idle := range map[int]time.Duration{1: 0, 2: time.Hour, 3: 15 * time.Minute} {
		lifetime := map[int]time.Duration{1: 30 * days, 2: 24 * time.Hour, 3: 12 * time.Hour}[level]
		for name, opts := range everyPlace {
			t.Run(fmt.Sprintf("level %d, %s", level, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					shared := memory.New()
					var cookies []*http.Cookie
					long := append(opts, gimlet.WithLifetime(400*days), gimlet.WithIdleTimeout(0))
					run(t, shared, func(_ *gimlet.Manager, site *site) { cookies = site.ask("/set").Cookies() }, long...)
					time.Sleep(50 * days)
					run(t, shared, func(_ *gimlet.Manager, site *site) {
						var at time.Time
						site.do("/login", func(s *gimlet.Session) { require.NoError(t, s.Login(t.Context(), "alice")) })
						site.do("/expires", func(s *gimlet.Session) { at = s.Expires() })
						b := site.browser()
						b.set(cookies...)
						require.Equal(t, "five", b.ok("/get").body)
						b.ok("/login")
						began := time.Now()
						b.ok("/expires")
						first := lifetime
						if idle > 0 {
							first = idle
						}
						require.Equal(t, began.Add(first), at)
						for idle > 0 && time.Since(began) < lifetime-idle {
							time.Sleep(10 * time.Minute) // in use
							require.Equal(t, "five", b.ok("/get").body)
						}
						time.Sleep(time.Until(began.Add(lifetime)))
						require.Empty(t, b.ok("/get").body)
					}, append(opts, gimlet.WithAAL(level))...)
				})
			})
		}
	}
}
