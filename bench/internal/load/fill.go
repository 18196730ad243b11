package load

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gimlet-go/gimlet/bench/internal/peer"
	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// fillers is how many sessions are created at the same time, so that stores
// that share a sync among those who wait can show it.
const fillers = 256

// Fill creates n sessions with values by ordinary requests, and returns their
// cookies. The store of a peer that can be hurried is not synced meanwhile;
// its calls are the same.
func Fill(s *peer.Server, n, noteBytes int) (*site.Jar, error) {
	return FillWith(s, n, func(i int) string { return site.Query(i, noteBytes) })
}

// FillWith is Fill with the page that creates the i-th session.
func FillWith(s *peer.Server, n int, create func(i int) string) (*site.Jar, error) {
	if s.Hurry != nil {
		s.Hurry(true)
		defer s.Hurry(false)
	}
	jar := site.NewJar(n)
	if n == 0 {
		return jar, nil
	}
	first, err := createOne(Local(s), create(0))
	if err != nil {
		return nil, err
	}
	jar.Widen(len(first) + 128) // lengths differ a little with the values
	jar.Set(0, first)

	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make(chan error, fillers)
	for range min(fillers, n) {
		wait.Go(func() {
			caller := Local(s)
			for i := int(next.Add(1)); i < n; i = int(next.Add(1)) {
				cookie, err := createOne(caller, create(i))
				if err != nil {
					errs <- err
					return
				}
				jar.Set(i, cookie)
			}
		})
	}
	wait.Wait()
	select {
	case err := <-errs:
		return nil, err
	default:
		return jar, nil
	}
}

func createOne(c LocalCaller, target string) (string, error) {
	if err := c.Call(target, ""); err != nil {
		return "", err
	}
	cookie := site.CookieHeader(c.SetCookies())
	if cookie == "" {
		return "", fmt.Errorf("load: %s was answered without a cookie", target)
	}
	return cookie, nil
}
