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

// A page that counts the visits of each browser. A real program uses
// bolt.Open("sessions.db") in place of memory.New(), so that nobody is
// forgotten when it restarts.
func Example() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()

	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := gimlet.From(r)
		visits, _ := s.Get("visits").(int)
		s.Set("visits", visits+1)
		fmt.Fprintf(w, "visit %d\n", visits+1)
	})
	server := httptest.NewTLSServer(sessions.Handler(page))
	defer server.Close()

	// A browser, which keeps the cookie.
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for range 3 {
		response, err := browser.Get(server.URL)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(os.Stdout, response.Body)
		response.Body.Close()
	}

	// Output:
	// visit 1
	// visit 2
	// visit 3
}
