package gimlet_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// Login binds the session to a user and gives it a new token; Destroy ends it.
// How users prove who they are is the program's affair.
func ExampleSession_Login() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := gimlet.From(r).Login(r.Context(), "alice"); err != nil {
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		if err := gimlet.From(r).Destroy(r.Context()); err != nil {
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q\n", gimlet.From(r).Owner())
	})
	server := httptest.NewTLSServer(sessions.Handler(mux))
	defer server.Close()

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for _, path := range []string{"/", "/login", "/", "/logout", "/"} {
		response, err := browser.Get(server.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(os.Stdout, response.Body)
		response.Body.Close()
	}

	// Output:
	// ""
	// "alice"
	// ""
}

// A user's page of devices lists the sessions, and can end all of them but the
// one in use.
func ExampleManager_RevokeOwner() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	ctx := context.Background()

	var current *gimlet.Session // in a handler: gimlet.From(r)
	for _, device := range []string{"phone", "tablet", "laptop"} {
		current = sessions.Begin(ctx)
		current.Set("device", device)
		current.Login(ctx, "alice")
		current.Commit(ctx)
	}

	n, err := sessions.RevokeOwner(ctx, "alice", current.ID())
	fmt.Println("ended:", n, err)
	for info, err := range sessions.Sessions(ctx, "alice") {
		fmt.Println("left:", info.Get("device"), err)
	}

	// Output:
	// ended: 2 <nil>
	// left: laptop <nil>
}
