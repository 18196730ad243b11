package bolt_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// The program ends and starts again, and the browser's session is still there.
// A real program gives the name of a file in its working or data directory:
// bolt.Open("sessions.db").
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sessions.db")
	jar, _ := cookiejar.New(nil)

	for range 2 {
		sessions, err := gimlet.New(bolt.Open(path))
		if err != nil {
			log.Fatal(err)
		}
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s := gimlet.From(r)
			visits, _ := s.Get("visits").(int)
			s.Set("visits", visits+1)
			fmt.Fprintf(w, "visit %d\n", visits+1)
		})
		server := httptest.NewServer(sessions.Handler(page))
		browser := http.Client{Jar: jar}
		response, err := browser.Get(server.URL)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(os.Stdout, response.Body)
		response.Body.Close()
		browser.CloseIdleConnections()
		server.Close()
		if err := sessions.Close(); err != nil {
			log.Fatal(err)
		}
	}

	// Output:
	// visit 1
	// visit 2
}

// A backup is taken while the program runs, and is itself a file that Open
// opens.
func ExampleStore_Backup() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := bolt.Open(filepath.Join(dir, "sessions.db"))
	sessions, err := gimlet.New(file)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	s := sessions.Begin(ctx)
	s.Login(ctx, "alice")
	s.Commit(ctx)

	backup, err := os.Create(filepath.Join(dir, "backup.db"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := file.Backup(backup); err != nil {
		log.Fatal(err)
	}
	if err := backup.Close(); err != nil {
		log.Fatal(err)
	}
	sessions.Close()

	restored, err := gimlet.New(bolt.Open(backup.Name()))
	if err != nil {
		log.Fatal(err)
	}
	defer restored.Close()
	for info, err := range restored.Sessions(ctx, "") {
		fmt.Println(info.Owner, err)
	}

	// Output:
	// alice <nil>
}
