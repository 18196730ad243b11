package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	db := filepath.Join(t.TempDir(), "sessions.db")
	for range 2 { // the second time on the file of the first
		ctx, cancel := context.WithCancel(t.Context())
		out, in := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := run(ctx, "127.0.0.1:0", db, in)
			_ = in.CloseWithError(err)
			ended <- err
		}()
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
		require.True(t, ok, line)
		require.Regexp(t, `^http://127\.0\.0\.1:[1-9]\d*$`, address)

		resp, err := http.Get(address + "/api/session")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)

		cancel()
		require.NoError(t, <-ended)
		_, err = net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		require.Error(t, err, "nobody listens any more")
	}
}

func TestRun_addressInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	address := listener.Addr().String()
	err = run(t.Context(), address, filepath.Join(t.TempDir(), "sessions.db"), io.Discard)
	require.ErrorContains(t, err, address)
	require.ErrorContains(t, err, "-addr")
}

func TestRun_fileInUse(t *testing.T) {
	t.Parallel() // the store waits a moment for the file
	db := filepath.Join(t.TempDir(), "sessions.db")
	a, err := openApp(db)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.sessions.Close()) }()
	err = run(t.Context(), "127.0.0.1:0", db, io.Discard)
	require.ErrorContains(t, err, db)
	require.ErrorContains(t, err, "in use")
}

func TestShownURL(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:80":     "http://127.0.0.1:80",
		"[::1]:8080":       "http://[::1]:8080",
		"0.0.0.0:8080":     "http://localhost:8080",
		"[::]:8080":        "http://localhost:8080",
		"192.0.2.7:12345":  "http://192.0.2.7:12345",
		"[2001:db8::1]:80": "http://[2001:db8::1]:80",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		require.NoError(t, err)
		require.Equal(t, want, shownURL(tcp))
	}
}
