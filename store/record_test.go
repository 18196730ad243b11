package store_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

func TestRecord_Check(t *testing.T) {
	valid := store.Record{ID: knownID, Version: 1}
	for name, change := range map[string]func(r *store.Record){
		"the least there can be": func(*store.Record) {},
		"a reserved ID":          func(r *store.Record) { r.ID = store.ID{15: 1} },
		"the last version":       func(r *store.Record) { r.Version = math.MaxUint64 },
		"the longest owner":      func(r *store.Record) { r.Owner = strings.Repeat("\xff", store.MaxOwner) },
		"a past expiry":          func(r *store.Record) { r.Expires = time.Unix(0, 0) },
		"data":                   func(r *store.Record) { r.Data = make([]byte, 1<<20) },
	} {
		r := valid
		change(&r)
		require.NoError(t, r.Check(), name)
	}
}

func TestRecord_Check_invalid(t *testing.T) {
	for _, test := range []struct {
		text   string
		record store.Record
	}{
		{"store: invalid record: the zero ID", store.Record{Version: 1}},
		{"store: invalid record: version 0: versions count from 1", store.Record{ID: knownID}},
		{"store: invalid record: an owner of more than " + strconv.Itoa(store.MaxOwner) + " bytes",
			store.Record{ID: knownID, Version: 1, Owner: strings.Repeat("x", store.MaxOwner+1)}},
	} {
		err := test.record.Check()
		require.ErrorIs(t, err, store.ErrInvalid)
		require.EqualError(t, err, test.text)
	}
}

func TestRecord_Expired(t *testing.T) {
	end := time.Date(2025, 6, 1, 12, 0, 0, 123_456_789, time.UTC)
	r := store.Record{Expires: end}
	require.False(t, r.Expired(end.Add(-time.Hour)))
	require.False(t, r.Expired(end.Add(-1)))
	require.True(t, r.Expired(end), "from that instant on")
	require.True(t, r.Expired(end.Add(1)))
	require.True(t, r.Expired(end.In(time.FixedZone("far east", 14*3600))), "wherever the clock hangs")

	never := store.Record{}
	require.False(t, never.Expired(time.Time{}))
	require.False(t, never.Expired(time.Unix(0, 0)))
	require.False(t, never.Expired(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)))
}
