// Command single-binary is a small web shop that keeps its sessions with
// gimlet: one program, one file, nothing else to run.
//
//	go run ./examples/single-binary
//
// Read the files in this order to learn the library from it:
//
//	app.go      opening the manager, the middleware, the routes
//	keys.go     typed keys: what a session holds, and where it lives
//	actions.go  POST: set, update, log in, log out, flash messages
//	pages.go    GET: reading, and saving before the first byte
//	devices.go  listing and revoking a user's sessions
//	cost.go     what a request made the store do
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 picks a free one")
	db := flag.String("db", "sessions.db", "`file` that keeps the sessions; created when it is missing")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	if err := run(ctx, *addr, *db, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "single-binary:", err)
		os.Exit(1)
	}
}

// run serves the shop until ctx is done, and then lets requests that are under
// way finish before it closes the sessions.
func run(ctx context.Context, addr, db string, out io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w: choose another address with -addr", err)
	}
	a, err := openApp(db)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Fprintln(out, "listening on", shownURL(listener.Addr()))
	err = serve(ctx, newServer(a.handler()), listener)
	return errors.Join(err, a.sessions.Close())
}

// newServer bounds how long a client may take, so that slow ones cannot use up
// the connections.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// shutdownTimeout bounds how long requests may take to finish at the end.
const shutdownTimeout = 10 * time.Second

func serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return server.Shutdown(ctx)
}

// shownURL is what to type into a browser to get to addr.
func shownURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
