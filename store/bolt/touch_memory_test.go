package bolt_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/bolt"
)

// Touches that wait take no more memory than WithJournal allows, however large the
// records are that they are about.
func TestTouch_memory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, bolt.WithJournal(1<<20))
		records := make([]store.Record, 256)
		for i := range records {
			records[i] = newRecord("alice", strings.Repeat("large", 13<<10))
			save(t, s, records[i])
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Zero(t, s.Memory())
		var wg sync.WaitGroup
		errs := make([]error, len(records))
		for i, r := range records {
			wg.Go(func() { errs[i] = s.Touch(t.Context(), r.ID, r.Expires.Add(time.Hour)) })
		}
		wg.Wait()
		for i := range records {
			require.NoError(t, errs[i])
			records[i].Expires = records[i].Expires.Add(time.Hour)
		}
		require.Less(t, s.Memory(), int64(4<<20))
		holds(t, s, records...)
	})
}
