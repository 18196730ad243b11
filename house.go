package gimlet

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

// sweepEvery is how often expired records are removed, on average: each pause
// is between half of it and one and a half, so that the sweeps of many
// processes do not fall together.
const sweepEvery = 4 * time.Minute

// keepUp learns what other processes have put into the store, and rotates the
// key ring, until Close.
func (m *Manager) keepUp() {
	ctx, cancel := m.untilClose()
	defer cancel()
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.closing:
			return
		case <-tick.C:
			m.report(ctx, "refresh", m.refresh(ctx))
		}
	}
}

// keepClean sweeps now and then, until Close. A long sweep holds nobody up.
func (m *Manager) keepClean() {
	ctx, cancel := m.untilClose()
	defer cancel()
	sweep := time.NewTimer(sweepPause())
	defer sweep.Stop()
	for {
		select {
		case <-m.closing:
			return
		case <-sweep.C:
			m.revoked.forget(m.now())
			_, err := m.Sweep(ctx)
			m.report(ctx, "sweep", err)
			sweep.Reset(sweepPause())
		}
	}
}

// untilClose returns a context that ends when the manager closes.
func (m *Manager) untilClose() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-m.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func sweepPause() time.Duration {
	return sweepEvery/2 + rand.N(sweepEvery)
}

// report logs an error of housekeeping. It will be tried again.
func (m *Manager) report(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		m.log(ctx, slog.LevelError, what+" failed", nil, slog.Any("error", err))
	}
}

// refresh learns of what other processes have put into the store.
func (m *Manager) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	added, err := m.ring.rotate(ctx, time.UnixMilli(m.now()))
	if added {
		m.emit(ctx, Event{Kind: EventKeyRotated})
	}
	if e := m.loadGeneration(ctx); e != nil {
		err = errors.Join(err, storeError("load the generation", e))
	}
	err = errors.Join(err, m.loadRevocations(ctx))
	m.renewed.forget()
	m.watches.checkAll(ctx)
	return err
}

// refreshSoon loads the generation now, if that was not done a moment ago:
// what makes it necessary is in the hands of clients.
func (m *Manager) refreshSoon(ctx context.Context, now time.Time) error {
	m.refreshing.Lock()
	defer m.refreshing.Unlock()
	if since := now.Sub(m.refreshed); since >= 0 && since < refreshEvery {
		return m.notRefreshed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	m.refreshed, m.notRefreshed = now, nil
	if err := m.loadGeneration(ctx); err != nil {
		m.notRefreshed = storeError("load the generation", err)
	}
	return m.notRefreshed
}
