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

// Values that every page needs can travel in the sealed cookie: then reading
// them asks nothing of the store. The browser can neither read nor change them.
func ExampleClientSide() {
	sessions, err := gimlet.New(memory.New())
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()

	language := gimlet.NewKey[string]("language", gimlet.ClientSide)
	mux := http.NewServeMux()
	mux.HandleFunc("/choose", func(w http.ResponseWriter, r *http.Request) {
		language.Set(gimlet.From(r), "en")
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		chosen, _ := language.Get(gimlet.From(r))
		fmt.Fprintln(w, "language:", chosen)
	})
	server := httptest.NewTLSServer(sessions.Handler(mux))
	defer server.Close()
	before := sessions.Stats().Store

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for _, path := range []string{"/choose", "/page", "/page"} {
		response, err := browser.Get(server.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(os.Stdout, response.Body)
		response.Body.Close()
	}
	after := sessions.Stats().Store
	fmt.Println("read from the store:", after.Loads-before.Loads)
	fmt.Println("written to the store:", after.Saves-before.Saves)

	// Output:
	// language: en
	// language: en
	// read from the store: 0
	// written to the store: 0
}
