// Package gimlet keeps HTTP sessions for programs that ship as one binary: in
// one file on disk, behind a cache, with cookies that are sealed by keys which
// make and rotate themselves.
//
//	sessions, err := gimlet.New(bolt.Open("sessions.db"))
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer sessions.Close()
//	http.ListenAndServe(":8080", sessions.Handler(http.DefaultServeMux))
//
// and in a handler:
//
//	s := gimlet.From(r)
//	visits, _ := s.Get("visits").(int)
//	s.Set("visits", visits+1)
//
// # Choose a store
//
// For most programs use package store/bolt: one file, which the program
// creates and no other process opens. What a browser has seen answered is on
// the disk. Where losing all sessions at every restart is acceptable, in tests
// above all, use package store/memory. [New] puts a cache and compression
// around whatever it is given, and closes it.
//
// # Read and write
//
// [Manager.Handler] is middleware; inside it [From] finds the session of a
// request. Nothing is read from the store before the first access, and nothing
// is written, and no cookie sent, unless something changed: a page that does
// not touch its session costs next to nothing, and reading where there is no
// session creates none. The first [Session.Set] begins one.
//
// What was changed is saved once, right before the first byte of the response
// leaves. So a response that arrives is one whose changes are kept, and if they
// cannot be kept the browser gets an error page and never half of the truth.
//
// Get returns a value with the Go type that was set. A [Key] is a name with a
// type, and carries structs as well; declare keys as variables:
//
//	var Theme = gimlet.NewKey[string]("theme")
//
//	if theme, ok := Theme.Get(s); !ok || theme == "dark" {
//		Theme.Set(s, "light")
//	}
//
// What Get returns is the caller's own. To change what is stored, Set it.
//
// # Where values live
//
// Each value lives in one place, which a [Placement] names: in the store
// ([ServerSide], the default) or in the sealed cookie ([ClientSide], which costs
// no I/O to read), and as long as the session ([Permanent], the default) or
// until the browser closes ([Transient]). With [WithCookieOnly] sessions that
// are small enough need no record in the store at all, unless
// [Session.SetStored] asks for one. A cookie cannot be read
// or changed by whoever has it, and revocation reaches the values in cookies
// too.
//
// # Sign in and out
//
// [Session.Login] binds the session to an owner, the program's name for a
// user. It gives the session a new token and makes the old one worthless, so
// that nobody can prepare a session for somebody else to sign in to. Call it
// again when privileges change. [Session.Destroy] signs out: from then on no
// copy of the cookie opens anything, and no slower request brings the session
// back. [Manager.Sessions] lists the sessions of an owner, and
// [Manager.Revoke], [Manager.RevokeOwner] and [Manager.RevokeAll] end them from
// elsewhere.
//
// A session ends after 24 hours without use and 7 days in any case; see
// [WithIdleTimeout] and [WithLifetime].
//
// # Concurrency
//
// A Manager and its sessions are safe for concurrent use. Requests of one
// browser often overlap: each saves the keys that it changed, on top of what
// the others have saved, so changes of different keys are all kept. Of two that
// set the same key the later one wins; where the new value depends on the old
// one use [Key.Update], which is atomic. Client-side values are in the hands
// of the browser: of two responses that change them the one that arrives last
// wins.
//
// # Errors
//
// Methods on a session that return no error report failures through
// [Session.Err], and no handler needs to ask: when the store fails, or a value
// cannot be stored, the response is replaced by an error page (see
// [WithErrorHandler]). A cookie that is forged, expired or damaged is no error:
// the request goes on without a session, and [WithEvents] tells. Conditions to
// branch on are [ErrNoSession], [ErrGone], [ErrTooLarge], [ErrHeadersSent] and
// [ErrClosed]; [ValueError] says which value could not be stored or read.
//
// # Compatibility
//
// What one release has written, a file or a cookie, every later one reads; the
// bytes are described in docs/format.md. Until version 1.0 the names and
// signatures of this package may change in a minor release, and the change log
// says how; after it they follow the Go 1 promise.
package gimlet
