package gimlet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gimlet-go/gimlet/cache"
	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
)

const (
	minCache   = cache.MinBytes
	maxCache   = 64 << 30
	maxMaxSize = 15 << 20

	// maxRecord is what compress has to take: a session of the greatest size
	// and what stands around it.
	maxRecord = maxMaxSize + 1<<20
)

// A Manager keeps the sessions of a program: in a store, behind a read cache,
// and in cookies. It is safe for concurrent use. Open one with [New].
type Manager struct {
	cfg   config
	base  *meter       // the store that New was given
	store store.Store  // the stack around it
	cache *cache.Store // the top of the stack, nil without a cache
	zstd  *compress.Store

	ring       *keyRing
	cookies    *cookieKind
	loopback   *cookieKind
	tokens     *sealer
	generation atomic.Uint64

	refreshing   sync.Mutex // held by refreshSoon
	refreshed    time.Time  // when it last loaded the generation
	notRefreshed error      // of that
	revoked      revocations
	renewed      renewals
	ousted       ousted

	turns  keyLocks[store.ID]
	owners keyLocks[string]

	deadlines deadlines
	quick     quickSaves
	watches   watches
	stats     counters
	newID     func(time.Time) store.ID

	warned  atomic.Bool // of an unreadable revocation
	closing chan struct{}
	closed  sync.Once
	done    sync.WaitGroup
}

// New opens the session manager on s. It puts the read cache and compression
// around s and probes it once, so that a store that failed to open reports
// here; it makes the key ring on first use. The manager owns s from now on:
// Close closes it, and so does New when it fails.
//
//	sessions, err := gimlet.New(bolt.Open("sessions.db"))
func New(s store.Store, opts ...Option) (*Manager, error) {
	if s == nil {
		return nil, errors.New("gimlet: New: no store: use bolt.Open(path), or memory.New() to keep nothing across restarts")
	}
	m, err := open(s, opts)
	if err != nil {
		if closing := m.store.Close(); !errors.Is(err, closing) {
			err = errors.Join(err, closing)
		}
		return nil, err
	}
	m.done.Go(m.keepUp)
	m.done.Go(m.keepClean)
	return m, nil
}

// open returns the manager also with an error, so that what is open of it can
// be closed.
func open(s store.Store, opts []Option) (*Manager, error) {
	m := &Manager{cfg: defaults(), newID: store.NewID, closing: make(chan struct{})}
	m.watches.m = m
	m.base = &meter{Store: s}
	m.store = m.base
	for _, opt := range opts {
		if opt != nil {
			opt(&m.cfg)
		}
	}
	if err := m.cfg.check(); err != nil {
		return m, fmt.Errorf("gimlet: New: %w", err)
	}
	if err := m.stack(); err != nil {
		return m, fmt.Errorf("gimlet: New: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if err := m.loadGeneration(ctx); err != nil { // the probe
		return m, storeError("New: open the store", err)
	}
	return m, m.loadShared(ctx)
}

// openTimeout bounds how long New waits for the store.
const openTimeout = 30 * time.Second

// stack builds cache over compress over the store.
func (m *Manager) stack() (err error) {
	level := map[Compression]compress.Level{
		CompressionFastest:  compress.Fastest,
		CompressionBalanced: compress.Balanced,
		CompressionNone:     compress.None,
	}[m.cfg.compression]
	m.zstd, err = compress.New(m.base, compress.WithLevel(level), compress.WithMaxSize(maxRecord))
	if err != nil {
		return err
	}
	m.store = m.zstd
	if m.cfg.cacheBytes > 0 {
		if m.cache, err = cache.New(m.zstd, m.cfg.cacheBytes); err != nil {
			return err
		}
		m.store = m.cache
	}
	return nil
}

// loadShared loads what all managers of a name share in the store besides the
// generation: the key ring and the revocations.
func (m *Manager) loadShared(ctx context.Context) (err error) {
	if m.cfg.keysGiven {
		m.ring = givenRing(m.cfg.keys)
	} else if m.ring, err = openRing(ctx, m.base, m.cfg.name, m.cfg.encryption); err != nil {
		return err
	}
	m.cookies = m.cfg.cookie.kind(&m.cfg, m.ring, false)
	m.loopback = m.cfg.cookie.kind(&m.cfg, m.ring, true)
	m.tokens = newSealer(m.ring, "token", "", m.cfg.name, false)
	return m.loadRevocations(ctx)
}

// Close ends the manager and the store: it waits for Quick saves that are
// under way, stops the sweep, and closes what New was given. The channels of
// [Session.Done] are closed. Requests that are still served fail with
// [ErrClosed]. Closing twice is nil.
//
// It waits for Quick saves no longer than 11 seconds, and then for the store as
// long as that says: package bolt gives up after 10 seconds with a disk that does
// not answer.
func (m *Manager) Close() (err error) {
	m.closed.Do(func() {
		close(m.closing)
		m.done.Wait()
		m.quick.close()
		m.watches.endAll()
		err = m.store.Close()
	})
	return err
}

// now is the time in milliseconds since 1970.
func (m *Manager) now() int64 { return time.Now().UnixMilli() }

// Begin returns a new session without HTTP, for an API client, a background
// job or a test. Nothing is saved before [Session.Commit]; then
// [Session.Token] names it.
func (m *Manager) Begin(ctx context.Context) *Session {
	s := &Session{m: m, ctx: ctx, opened: true, used: true, held: new(held)}
	s.start()
	return s
}

// Load returns the session that a token from [Session.Token] names. It returns
// [ErrNoSession] when the token names none, whatever the reason, and other
// errors when the store failed. It counts as a use, so it moves the idle
// timeout on. Changes are saved by [Session.Commit].
func (m *Manager) Load(ctx context.Context, token string) (*Session, error) {
	return m.loadSealed(ctx, m.tokens, token)
}

func (m *Manager) loadSealed(ctx context.Context, by *sealer, token string) (*Session, error) {
	s := &Session{m: m, ctx: ctx, used: true, opened: true, held: new(held)}
	now := time.UnixMilli(m.now())
	reason, err := m.openToken(s, by, token, now)
	if err != nil {
		return nil, err
	}
	if reason != 0 {
		s.reject(reason, s.token.id, nil)
		return nil, ErrNoSession
	}
	if err := s.reload(ctx); err != nil {
		return nil, err
	}
	if s.live {
		s.issue.seen = s.state.lastSeen()
		if err := s.touch(ctx); err != nil {
			return nil, err
		}
	}
	if !s.live {
		return nil, ErrNoSession
	}
	return s, nil
}

func (m *Manager) openToken(s *Session, by *sealer, token string, now time.Time) (Reason, error) {
	if len(token) > maxToken {
		return ReasonMalformed, nil
	}
	b, key, err := by.open(s.ctx, token, now)
	switch err {
	case nil:
	case errNotOurs:
		return ReasonMalformed, nil
	case errTampered:
		return ReasonTampered, nil
	case errStaleKey:
		return ReasonStaleKey, nil
	default:
		return 0, err
	}
	var p payload
	if p.read(b) != nil {
		return ReasonMalformed, nil
	}
	reason, err := m.admit(s, &p, now)
	if reason == 0 && err == nil {
		s.resume(&p, key)
	}
	return reason, err
}

// maxToken bounds the tokens that Load decodes.
const maxToken = 2 * (maxMaxSize + 1<<20)
