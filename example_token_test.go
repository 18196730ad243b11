package gimlet_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// A program that is no browser keeps the token itself, and sends it in a header
// of the API's choice.
func ExampleSession_Token() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	ctx := context.Background()

	// Once: make a token, and show it to the user.
	s := sessions.Begin(ctx)
	s.SetIdleTimeout(0)
	s.SetLifetime(90 * 24 * time.Hour)
	if err := s.Login(ctx, "alice"); err != nil {
		log.Fatal(err)
	}
	if err := s.Commit(ctx); err != nil {
		log.Fatal(err)
	}
	token, err := s.Token()
	if err != nil {
		log.Fatal(err)
	}

	// In every request: ask whose token it is.
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		s, err := sessions.Load(r.Context(), token)
		switch {
		case errors.Is(err, gimlet.ErrNoSession):
			w.WriteHeader(http.StatusUnauthorized)
		case err != nil:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, s.Owner())
		}
	})
	call := func(token string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Printf("%d %q\n", w.Code, w.Body)
	}
	call(token)
	call("something else")

	// When the user is done with it:
	if err := sessions.Revoke(ctx, s.ID()); err != nil {
		log.Fatal(err)
	}
	call(token)

	// Output:
	// 200 "alice"
	// 401 ""
	// 401 ""
}
