// Package load sends requests: in the process, to see what a library costs
// beyond everything else, and over TCP. Clients are closed loops: each sends
// its next request when the last one was answered.
package load

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/gimlet-go/gimlet/bench/internal/peer"
)

// host is where the pages are said to be: a loopback host, on which cookies
// need no TLS.
const host = "127.0.0.1"

// A Caller sends one request after the other, from one goroutine.
type Caller interface {
	// Call fetches target, a path with or without a query, with a Cookie
	// header. An answer other than 200 is an error.
	Call(target, cookie string) error
}

// A LocalCaller calls a server in this process, without a network.
type LocalCaller interface {
	Caller
	// SetCookies returns the Set-Cookie headers of the last answer.
	SetCookies() []string
	// Body returns the start of the last answer. It is overwritten by the
	// next call.
	Body() []byte
}

// Local returns a new caller of a server in this process.
func Local(s *peer.Server) LocalCaller {
	if s.Fast != nil {
		c := &fastCaller{handler: s.Fast}
		c.ctx.Init(&fasthttp.Request{}, nil, nil)
		return c
	}
	c := &handlerCaller{handler: s.Handler, requests: map[string]*http.Request{}}
	c.cookie = make([]string, 1)
	c.header = http.Header{"Cookie": c.cookie}
	c.w.header = http.Header{}
	return c
}

// A handlerCaller calls a net/http handler. What it does itself per request,
// a copy of the request, is one allocation and in the floor as well.
type handlerCaller struct {
	handler  http.Handler
	requests map[string]*http.Request // by target; never given to a handler
	header   http.Header
	cookie   []string
	w        writer
}

func (c *handlerCaller) Call(target, cookie string) error {
	t, err := c.request(target)
	if err != nil {
		return err
	}
	c.cookie[0] = cookie
	r := new(http.Request)
	*r = *t
	r.Header = c.header
	c.w.reset()
	c.handler.ServeHTTP(&c.w, r)
	if c.w.status != http.StatusOK {
		return answerError(target, c.w.status, c.w.Body())
	}
	return nil
}

func (c *handlerCaller) request(target string) (*http.Request, error) {
	if r := c.requests[target]; r != nil {
		return r, nil
	}
	r, err := http.NewRequest(http.MethodGet, "http://"+host+target, nil)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if !strings.Contains(target, "?") { // those that are asked for again and again
		c.requests[target] = r
	}
	return r, nil
}

func (c *handlerCaller) SetCookies() []string { return c.w.header["Set-Cookie"] }
func (c *handlerCaller) Body() []byte         { return c.w.Body() }

// A writer is a response writer that keeps no more than the start of a body.
type writer struct {
	header http.Header
	status int
	body   [128]byte
	n      int
}

func (w *writer) reset() {
	clear(w.header)
	w.status, w.n = 0, 0
}

func (w *writer) Header() http.Header { return w.header }
func (w *writer) Body() []byte        { return w.body[:w.n] }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.n += copy(w.body[w.n:], b)
	return len(b), nil
}

// WriteString spares the copy that io.WriteString would make.
func (w *writer) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.n += copy(w.body[w.n:], s)
	return len(s), nil
}

// A fastCaller calls a handler of fasthttp.
type fastCaller struct {
	handler fasthttp.RequestHandler
	ctx     fasthttp.RequestCtx
}

func (c *fastCaller) Call(target, cookie string) error {
	c.ctx.Request.Reset()
	c.ctx.Response.Reset()
	c.ctx.ResetUserValues()
	c.ctx.Request.SetRequestURI(target)
	c.ctx.Request.Header.SetHost(host)
	if cookie != "" {
		c.ctx.Request.Header.Set("Cookie", cookie)
	}
	c.handler(&c.ctx)
	if status := c.ctx.Response.StatusCode(); status != fasthttp.StatusOK {
		return answerError(target, status, c.Body())
	}
	return nil
}

func (c *fastCaller) SetCookies() []string {
	var all []string
	for _, v := range c.ctx.Response.Header.Cookies() {
		all = append(all, string(v))
	}
	return all
}

func (c *fastCaller) Body() []byte {
	body := c.ctx.Response.Body()
	return body[:min(len(body), 128)]
}

func answerError(target string, status int, body []byte) error {
	return fmt.Errorf("load: %s was answered with %d: %s", target, status, bytes.TrimSpace(body))
}
