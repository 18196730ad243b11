package gimlet_test

import (
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

// A form saves something and redirects; the page after it shows a message,
// once.
func ExampleSession_Flash() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("/save", func(w http.ResponseWriter, r *http.Request) {
		gimlet.From(r).Flash("notices", "Your changes were saved.")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for _, notice := range gimlet.From(r).Flashes("notices") {
			fmt.Fprintln(w, notice)
		}
		fmt.Fprintln(w, "Welcome.")
	})
	server := httptest.NewTLSServer(sessions.Handler(mux))
	defer server.Close()

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for _, path := range []string{"/save", "/"} {
		response, err := browser.Get(server.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(os.Stdout, response.Body)
		response.Body.Close()
	}

	// Output:
	// Your changes were saved.
	// Welcome.
	// Welcome.
}
