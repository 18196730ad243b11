package truth_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// Nothing is a session's but what was given out for it, whatever is done to the text: a
// cookie, sealed or signed, one of several that belong together, the second cookie, a token.
func TestMutation(t *testing.T) {
	percent := rig.Tier(10_000, 1_000_000)
	for _, c := range counters(t) {
		t.Run(c.name, func(t *testing.T) {
			began, n := time.Now(), c.share*percent
			for _, text := range c.texts {
				require.True(t, c.opener()(text), "what was given out opens")
			}
			tried, accepted := c.attack(n, c.opener)
			require.Empty(t, accepted)
			rig.Figures(t, began, "%d forgeries of %d texts in %d ways, none accepted", tried, len(c.texts), len(wayNames))
			require.GreaterOrEqual(t, tried, n)
		})
	}
}

// attack offers forgeries, made in all ways, from all processors, and returns how many it
// has tried and which were accepted.
func (c *counter) attack(n int, opener func() func(string) bool) (tried int, accepted []string) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() {
			f, open := newForger(rand.Uint64(), c.head, c.texts, c.others), opener()
			done, found := 0, []string(nil)
			for ; done < (n+runtime.NumCPU()-1)/runtime.NumCPU() && len(found) < 3; done++ {
				kind := done % len(wayNames)
				if text := f.next(kind); open(text) {
					found = append(found, fmt.Sprintf("%s: %q", wayNames[kind], text))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			tried, accepted = tried+done, append(accepted, found...)
		})
	}
	all.Wait()
	return tried, accepted
}

// The attack finds the way in where there is one: where the last byte is not looked at,
// where any base64 is read, and where it does not matter what a text was made for.
func TestMutation_control(t *testing.T) {
	for _, c := range counters(t) {
		for name, careless := range map[string]func() func(string) bool{
			"the last byte":  c.withoutLastByte,
			"the base64":     c.anyBase64,
			"what it is for": c.anyPurpose,
		} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				_, accepted := c.attack(200_000, careless)
				require.NotEmpty(t, accepted)
			})
		}
	}
}

func (c *counter) withoutLastByte() func(string) bool {
	f := newForger(0, c.head, c.texts, c.others)
	known := map[string]bool{}
	for _, text := range c.texts {
		b := f.decode(nil, []byte(text))
		known[string(b[:len(b)-1])] = true
	}
	return func(text string) bool {
		b := f.decode(f.a, []byte(text))
		return len(b) > 0 && known[string(b[:len(b)-1])]
	}
}

func (c *counter) anyBase64() func(string) bool {
	open := c.opener()
	return func(text string) bool {
		if len(text) < c.head {
			return false
		}
		text = strings.NewReplacer("+", "-", "/", "_", "=", "", "\n", "", "\r", "").Replace(text)
		b, err := base64.RawURLEncoding.DecodeString(text[c.head:])
		return err == nil && open(text[:c.head]+base64url.EncodeToString(b))
	}
}

func (c *counter) anyPurpose() func(string) bool {
	others := map[string]bool{}
	for _, text := range c.others {
		others[text] = true
	}
	return func(text string) bool { return others[text] }
}
