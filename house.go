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

// keepHouse does what must be done now and then, until Close: it learns what
// other processes have put into the store, rotates the key ring, sweeps.
func (m *Manager) keepHouse() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-m.closing
		cancel()
	}()
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	sweep := time.NewTimer(sweepPause())
	defer sweep.Stop()
	for {
		select {
		case <-m.closing:
			return
		case <-tick.C:
			if m.busy.Swap(false) || len(m.watches.ids()) > 0 {
				m.report(ctx, "refresh", m.refresh(ctx))
			}
		case <-sweep.C:
			m.revoked.forget(m.now())
			_, err := m.Sweep(ctx)
			m.report(ctx, "sweep", err)
			sweep.Reset(sweepPause())
		}
	}
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
	m.watches.checkAll(ctx)
	return err
}

// refreshSoon loads the generation now, if that was not done a moment ago:
// what makes it necessary is in the hands of clients.
func (m *Manager) refreshSoon(ctx context.Context, now time.Time) error {
	last := m.refreshed.Load()
	if since := now.UnixMilli() - last; since >= 0 && since < refreshEvery.Milliseconds() {
		return nil
	}
	if !m.refreshed.CompareAndSwap(last, now.UnixMilli()) {
		return nil
	}
	if err := m.loadGeneration(ctx); err != nil {
		return storeError("load the generation", err)
	}
	return nil
}
