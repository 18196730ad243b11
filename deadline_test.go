package gimlet_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A heldStore does not answer saves before their context ends, from the moment
// that it is told to hold them.
type heldStore struct {
	store.Store
	hold bool
	seen context.Context // of the last save
}

func (s *heldStore) Save(ctx context.Context, r store.Record) error {
	s.seen = ctx
	if s.hold {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Store.Save(ctx, r)
}

// A store that hangs keeps a request for 10 seconds, and up to one more, however
// the requests follow each other.
func TestDeadline_bounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := &heldStore{Store: memory.New()}
		m := newManagerOn(t, held)
		h := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { gimlet.From(r).Set("a", 1) }))
		serve := func() (code int, took time.Duration) {
			start, w := time.Now(), httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "https://example.test/", nil))
			return w.Code, time.Since(start)
		}
		code, _ := serve()
		require.Equal(t, http.StatusOK, code)
		for i := range 30 {
			time.Sleep(time.Duration(i) * 100 * time.Millisecond)
			held.hold = false
			code, _ = serve()
			require.Equal(t, http.StatusOK, code)
			time.Sleep(time.Duration(i%10) * 100 * time.Millisecond) // with a timer that others share
			held.hold = true
			code, took := serve()
			require.Equal(t, http.StatusServiceUnavailable, code)
			require.GreaterOrEqual(t, took, 10*time.Second)
			require.LessOrEqual(t, took, 11*time.Second)
		}
	})
}

// A store sees the values of the request's context, traces for one, and nothing
// of the session however it prints the context.
func TestDeadline_values(t *testing.T) {
	type traceKey struct{}
	held := &heldStore{Store: memory.New()}
	m := newManagerOn(t, held)
	r := httptest.NewRequest("GET", "https://example.test/", nil)
	r = r.WithContext(context.WithValue(r.Context(), traceKey{}, "trace 7"))
	secret := ""
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := gimlet.From(r)
		s.Set("a", "sentinel")
		secret = gimlet.SecretOf(s)
	})).ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, "trace 7", held.seen.Value(traceKey{}))
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(format, held.seen)
		require.NotContains(t, text, "sentinel")
		require.NotContains(t, text, secret)
		require.NotContains(t, text, fmt.Sprint([]byte(secret)))
	}
}
