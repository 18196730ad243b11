package peer

import (
	"path/filepath"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"

	"github.com/gimlet-go/gimlet/bench/internal/site"
)

// FiberBolt is Fiber with its session middleware and sessions in a bbolt file.
// It is not a net/http server, so it serves [Server.Fast].
var FiberBolt = Peer{
	Name:   "Fiber, bbolt",
	About:  "Fiber v3.1.0, its session middleware with an idle timeout of 24 hours; the storage is an adapter of this module that makes the calls of Fiber's bbolt storage: View with one Get, Update with one Put; bbolt with default options.",
	Synced: true,
	Kept:   true,
	Open: func(dir string) (*Server, error) {
		storage, err := openFiberBolt(filepath.Join(dir, "fiber.db"))
		if err != nil {
			return nil, err
		}
		app := fiber.New()
		app.Use(session.New(session.Config{Storage: storage, IdleTimeout: fiberIdle}))
		app.Get(string(site.Untouched), func(c fiber.Ctx) error { return c.SendString("untouched") })
		app.Get(string(site.Create), fiberCreate)
		app.Get(string(site.Read), fiberRead)
		app.Get(string(site.Write), fiberWrite)
		app.Get(string(site.CreateSmall), fiberCreateSmall)
		app.Get(string(site.ReadSmall), fiberReadSmall)
		return &Server{
			Fast:  app.Handler(),
			Hurry: func(on bool) { storage.db.NoSync = on },
			close: storage.Close,
		}, nil
	},
}

func fiberCreate(c fiber.Ctx) error {
	v, _, err := site.Wanted(string(c.Request().URI().QueryString()))
	if err != nil {
		return err
	}
	s := session.FromContext(c)
	s.Set(site.UserKey, v.User)
	s.Set(site.NameKey, v.Name)
	s.Set(site.EmailKey, v.Email)
	s.Set(site.VisitsKey, v.Visits)
	s.Set(site.NoteKey, v.Note)
	return c.SendString("created")
}

func fiberRead(c fiber.Ctx) error {
	s := session.FromContext(c)
	name, ok := s.Get(site.NameKey).(string)
	if !ok {
		return fiber.ErrNotFound
	}
	visits, _ := s.Get(site.VisitsKey).(int)
	return c.SendString(site.Shown(name, visits))
}

func fiberWrite(c fiber.Ctx) error {
	s := session.FromContext(c)
	visits, ok := s.Get(site.VisitsKey).(int)
	if !ok {
		return fiber.ErrNotFound
	}
	s.Set(site.VisitsKey, visits+1)
	return c.SendString(site.Shown("", visits+1))
}

func fiberCreateSmall(c fiber.Ctx) error {
	session.FromContext(c).Set(site.LanguageKey, site.Language)
	return c.SendString("created")
}

func fiberReadSmall(c fiber.Ctx) error {
	language, ok := session.FromContext(c).Get(site.LanguageKey).(string)
	if !ok {
		return fiber.ErrNotFound
	}
	return c.SendString(language)
}
