package main

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/gimlet-go/gimlet"
)

// A sessionInfo is the session as the API tells it.
type sessionInfo struct {
	Name     string     `json:"name"`
	Count    int        `json:"count"`
	Cart     []cartLine `json:"cart"`
	Theme    string     `json:"theme"`
	Sessions int        `json:"sessions"`
}

// apiSession answers without a session, too: everything is empty then.
func (a *app) apiSession(w http.ResponseWriter, r *http.Request) {
	s := gimlet.From(r)
	list, err := a.devicesOf(r.Context(), s)
	if err != nil {
		failed(w, r, err)
		return
	}
	n, _ := count.Get(s)
	lines, ok := cart.Get(s)
	if !ok {
		lines = []cartLine{} // [] rather than null
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	err = json.NewEncoder(w).Encode(sessionInfo{
		Name:     s.Owner(),
		Count:    n,
		Cart:     lines,
		Theme:    themeOf(s),
		Sessions: len(list),
	})
	if err != nil {
		slog.Debug("write the answer", "error", err) // the client has left
	}
}
