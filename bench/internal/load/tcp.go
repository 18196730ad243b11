package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/gimlet-go/gimlet/bench/internal/peer"
)

// Serve serves a peer on a free port of the loopback interface until stop is
// called, which waits for requests that are under way.
func Serve(s *peer.Server) (addr string, stop func() error, err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", nil, fmt.Errorf("load: %w", err)
	}
	done := make(chan error, 1)
	if s.Fast != nil {
		server := &fasthttp.Server{Handler: s.Fast}
		go func() { done <- server.Serve(l) }()
		return l.Addr().String(), func() error { return errors.Join(server.Shutdown(), <-done) }, nil
	}
	server := &http.Server{Handler: s.Handler}
	go func() {
		err := server.Serve(l)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		done <- err
	}()
	return l.Addr().String(), func() error { return errors.Join(server.Shutdown(context.Background()), <-done) }, nil
}

// A Conn is one keep-alive connection. It speaks just enough HTTP/1.1, so that
// the client, which shares the processors with the server, costs little.
type Conn struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

// Dial connects to a server.
func Dial(addr string) (*Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return &Conn{conn: conn, in: bufio.NewReader(conn)}, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Call implements [Caller].
func (c *Conn) Call(target, cookie string) error {
	b := append(c.request[:0], "GET "...)
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\nHost: "+host+"\r\nCookie: "...)
	b = append(b, cookie...)
	c.request = append(b, "\r\n\r\n"...)
	if _, err := c.conn.Write(c.request); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	status, length, err := c.head()
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if status != http.StatusOK {
		body, _ := c.in.Peek(min(length, 128)) // as much of the reason as there is
		return answerError(target, status, body)
	}
	if _, err := c.in.Discard(length); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

var (
	errNotHTTP  = errors.New("this is not an HTTP/1.1 answer with a length")
	lengthField = []byte("Content-Length: ")
)

// head reads the head of an answer.
func (c *Conn) head() (status, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	const version = "HTTP/1.1 "
	if len(line) < len(version)+3 || string(line[:len(version)]) != version {
		return 0, 0, errNotHTTP
	}
	if status, err = strconv.Atoi(string(line[len(version) : len(version)+3])); err != nil {
		return 0, 0, errNotHTTP
	}
	length = -1
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, lengthField); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, 0, errNotHTTP
			}
		}
	}
	if length < 0 {
		return 0, 0, errNotHTTP
	}
	return status, length, nil
}
