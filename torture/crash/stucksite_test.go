package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/bolt"
	"github.com/gimlet-go/gimlet/torture/internal/disk"
)

func init() { programs["stuck site"] = stuckSite }

// stuckSite has a session change while the disk does not answer, and closes its manager.
func stuckSite(args []string) error {
	var j jam
	if err := json.Unmarshal([]byte(args[0]), &j); err != nil {
		return err
	}
	var r relief
	if err := r.closeSite(j); err != nil {
		r.Problem = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func openOn(path string) (*gimlet.Manager, error) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	return gimlet.New(bolt.Open(path, bolt.WithCloseTimeout(500*time.Millisecond), bolt.WithLockTimeout(10*slack)),
		gimlet.WithLogger(quiet))
}

func (r *relief) closeSite(j jam) error {
	path := filepath.Join(j.Dir, "sessions.db")
	notes, err := os.OpenFile(filepath.Join(j.Dir, disk.NotesFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	m, err := openOn(path)
	if err != nil {
		return err
	}
	u := &siteUse{m: m, ctx: context.Background()}
	_, token, err := u.begin()
	if err != nil {
		return err
	}
	fmt.Fprintln(notes, "hold")
	defer fmt.Fprintln(notes, "release")
	if err := r.commit(u, token, j.Quick); err != nil {
		return err
	}
	began := time.Now()
	err = m.Close()
	r.Close = time.Since(began)
	if !errors.Is(err, bolt.ErrStuck) {
		return fmt.Errorf("Close: %w", err)
	}
	if _, err := m.Load(u.ctx, token); !errors.Is(err, gimlet.ErrClosed) {
		return fmt.Errorf("a load after Close: %w", err)
	}
	fmt.Fprintln(notes, "release")
	if m, err = openOn(path); err != nil {
		return err
	}
	if _, err := m.Load(u.ctx, token); err != nil {
		return err
	}
	return m.Close()
}

// commit changes a session, which fails in time, and then with Quick, which does not.
func (r *relief) commit(u *siteUse, token string, quick bool) error {
	s, err := u.m.Load(u.ctx, token)
	if err != nil {
		return err
	}
	if quick {
		s.Set("n", 1, gimlet.Quick)
		return s.Commit(u.ctx)
	}
	ctx, cancel := context.WithTimeout(u.ctx, 200*time.Millisecond)
	defer cancel()
	end, _ := ctx.Deadline()
	s.Set("n", 1)
	err = s.Commit(ctx)
	if r.Late = time.Since(end); r.Late > slack || !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("a commit ended %v after its context: %w", r.Late, err)
	}
	return nil
}
