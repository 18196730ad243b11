package peer

import (
	"io"
	"net/http"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"

	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// GinCookie is Gin with gin-contrib/sessions and the values in the cookie.
var GinCookie = Peer{
	Name:        "gin-contrib, cookie",
	About:       "gin-contrib/sessions v1.0.4 on Gin v1.10.1 in release mode without a logger, cookie.NewStore with an authentication key.",
	Kept:        true,
	CookieState: true,
	Open: func(string) (*Server, error) {
		gin.SetMode(gin.ReleaseMode)
		gin.DefaultWriter = io.Discard
		engine := gin.New()
		engine.Use(gin.Recovery(), sessions.Sessions("session", cookie.NewStore(cookieKey)))
		// Every path has the route of its own that a program would give it.
		for _, page := range []site.Page{site.Untouched, site.Read, site.Write, site.Create, site.CreateSmall, site.ReadSmall} {
			engine.GET(string(page), ginPage)
		}
		return &Server{Handler: engine}, nil
	},
}

func ginPage(c *gin.Context) { handler{ginPages{c}}.ServeHTTP(c.Writer, c.Request) }

// ginPages serves one request, since Gin's sessions hang on its context.
type ginPages struct{ c *gin.Context }

func (p ginPages) create(_ http.ResponseWriter, _ *http.Request, v site.Values) error {
	s := sessions.Default(p.c)
	s.Set(site.UserKey, v.User)
	s.Set(site.NameKey, v.Name)
	s.Set(site.EmailKey, v.Email)
	s.Set(site.VisitsKey, v.Visits)
	s.Set(site.NoteKey, v.Note)
	return s.Save()
}

func (p ginPages) read(http.ResponseWriter, *http.Request) (string, int, bool) {
	s := sessions.Default(p.c)
	name, ok := s.Get(site.NameKey).(string)
	visits, _ := s.Get(site.VisitsKey).(int)
	return name, visits, ok
}

func (p ginPages) write(http.ResponseWriter, *http.Request) (int, bool) {
	s := sessions.Default(p.c)
	visits, ok := s.Get(site.VisitsKey).(int)
	if !ok {
		return 0, false
	}
	s.Set(site.VisitsKey, visits+1)
	return visits + 1, s.Save() == nil
}

func (p ginPages) createSmall(http.ResponseWriter, *http.Request) error {
	s := sessions.Default(p.c)
	s.Set(site.LanguageKey, site.Language)
	return s.Save()
}

func (p ginPages) readSmall(http.ResponseWriter, *http.Request) (string, bool) {
	language, ok := sessions.Default(p.c).Get(site.LanguageKey).(string)
	return language, ok
}
