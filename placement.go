package gimlet

import "errors"

// A Placement says where a value lives. Flags combine:
//
//	s.Set("cart_id", 12345, gimlet.ClientSide|gimlet.Permanent)
//
// What is not said takes its default: [ServerSide] and [Permanent]. A key
// lives in exactly one place; setting it elsewhere moves it. For Get and Has
// a placement narrows the search, and what is not said is searched.
type Placement uint8

const (
	// ServerSide values are kept in the store, in the session's record.
	ServerSide Placement = 1 << iota

	// ClientSide values travel in the sealed cookie. Reading one costs no
	// I/O. They count against the size of the cookie, and of two responses
	// that change them at the same time the one that reaches the browser last
	// wins: put what must not be lost ServerSide.
	ClientSide

	// Permanent values live as long as the session.
	Permanent

	// Transient values end when the browser closes, or with the session.
	// They ride on a second cookie that has no expiry, sent only if used.
	Transient

	// Quick changes are answered before they are durable: the save is
	// started, not waited for, and a crash may lose it. Reads in this process
	// see it at once. A change of the same request that is not Quick makes
	// the whole save durable. On client-side values Quick means nothing.
	Quick
)

// An area is one of the four places in which a key can live.
type area uint8

const (
	serverPermanent area = iota
	serverTransient
	clientPermanent
	clientTransient
	areas
)

// client reports whether values of the area travel in a cookie.
func (a area) client() bool { return a >= clientPermanent }

func placementOf(at []Placement) Placement {
	var p Placement
	for _, q := range at {
		p |= q
	}
	return p
}

var (
	errBothSides     = errors.New("a value is either ServerSide or ClientSide, not both")
	errBothDurations = errors.New("a value is either Permanent or Transient, not both")
)

// area returns the place that a write with p goes to.
func (p Placement) area() (area, error) {
	if p&(ServerSide|ClientSide) == ServerSide|ClientSide {
		return 0, errBothSides
	}
	if p&(Permanent|Transient) == Permanent|Transient {
		return 0, errBothDurations
	}
	a := serverPermanent
	if p&ClientSide != 0 {
		a = clientPermanent
	}
	if p&Transient != 0 {
		a++
	}
	return a, nil
}

// covers reports whether a read with p looks into a.
func (p Placement) covers(a area) bool {
	side, duration := ServerSide, Permanent
	if a.client() {
		side = ClientSide
	}
	if a == serverTransient || a == clientTransient {
		duration = Transient
	}
	return (p&(ServerSide|ClientSide) == 0 || p&side != 0) &&
		(p&(Permanent|Transient) == 0 || p&duration != 0)
}

// coversServer reports whether a read with p may need the record.
func (p Placement) coversServer() bool {
	return p&(ServerSide|ClientSide) != ClientSide
}
