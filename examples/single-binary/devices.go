package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store"
)

// A device is one session of a user, as the devices page shows it.
type device struct {
	ID      string // opens nothing: it may stand in a page
	Browser string
	Address string
	Created time.Time
	Seen    time.Time
	Current bool // it is the one that asks
}

// A devicesView is the content of the devices page.
type devicesView struct {
	Now     time.Time
	News    []any
	Devices []device
}

func (a *app) devices(s *gimlet.Session, r *http.Request) (view, error) {
	list, err := a.devicesOf(r.Context(), s)
	return view{
		Title:   "Your devices",
		Path:    "/devices",
		Theme:   themeOf(s),
		Name:    s.Owner(),
		Content: devicesView{Now: time.Now(), News: s.Flashes(deviceNews), Devices: list},
	}, err
}

// devicesOf lists the sessions of the user whose session s is, this one first
// and then the ones seen last. Nobody is signed in: there are none.
func (a *app) devicesOf(ctx context.Context, s *gimlet.Session) ([]device, error) {
	owner := s.Owner()
	if owner == "" {
		return nil, nil // an empty owner would list the sessions of everyone
	}
	var list []device
	for info, err := range a.sessions.Sessions(ctx, owner) {
		// A record that cannot be read is still shown, so that it can be ended.
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return nil, err
		}
		list = append(list, newDevice(info, s.ID()))
	}
	slices.SortFunc(list, byLastUse)
	return list, nil
}

func byLastUse(a, b device) int {
	switch {
	case a.Current:
		return -1
	case b.Current:
		return 1
	default:
		return b.Seen.Compare(a.Seen)
	}
}

// newDevice describes a session by the values that login left there.
func newDevice(info gimlet.Info, current store.ID) device {
	agent, _ := info.Get(userAgent.Name()).(string)
	from, _ := info.Get(address.Name()).(string)
	return device{
		ID:      info.ID.String(),
		Browser: browserName(agent),
		Address: from,
		Created: info.Created,
		Seen:    info.LastSeen,
		Current: info.ID == current,
	}
}

// revokeDevice ends a session of the user. The ID comes from a form, so
// it is looked up among the user's own: nobody can end a stranger's session.
func (a *app) revokeDevice(s *gimlet.Session, r *http.Request) error {
	id, err := store.ParseID(r.PostForm.Get("id"))
	if err != nil {
		s.Flash(deviceNews, "There is no such device.")
		return nil
	}
	list, err := a.devicesOf(r.Context(), s)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(d device) bool { return d.ID == id.String() })
	switch {
	case i < 0:
		s.Flash(deviceNews, "That device is logged out already.")
		return nil
	case list[i].Current:
		return a.logout(s, r)
	}
	if err := a.sessions.Revoke(r.Context(), id); err != nil {
		return err
	}
	s.Flash(deviceNews, "Logged out: "+list[i].Browser+".")
	return nil
}
