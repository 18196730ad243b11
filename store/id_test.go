package store_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/store"
)

var (
	_ encoding.TextMarshaler   = store.ID{}
	_ encoding.TextUnmarshaler = (*store.ID)(nil)
)

const (
	knownText  = "0193a5f0c7d2000102030405060708ff"
	knownMilli = 0x0193a5f0c7d2
)

var knownID = store.ID{0x01, 0x93, 0xa5, 0xf0, 0xc7, 0xd2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0xff}

func TestNewID_followsTime(t *testing.T) {
	start := time.Date(2025, 12, 31, 23, 59, 59, 999e6, time.UTC)
	last := store.NewID(start)
	for _, d := range []time.Duration{time.Millisecond, 255 * time.Millisecond, time.Second, time.Hour, 1000 * time.Hour} {
		start = start.Add(d)
		id := store.NewID(start)
		require.Positive(t, bytes.Compare(id[:], last[:]), "%v after %v", id, last)
		require.Greater(t, id.String(), last.String())
		last = id
	}
}

func TestNewID_isUnique(t *testing.T) {
	now := time.Now()
	seen := make(map[store.ID]bool)
	for range 10_000 {
		id := store.NewID(now)
		require.False(t, seen[id], "%v twice", id)
		require.False(t, id.Reserved(), id)
		seen[id] = true
	}
}

func TestID_Created(t *testing.T) {
	for _, created := range []time.Time{
		time.UnixMilli(1),
		time.Date(2025, 2, 3, 4, 5, 6, 789_999_999, time.UTC),
		time.UnixMilli(1<<48 - 1), // the last that fits, in the year 10889
	} {
		want := created.UnixMilli()
		require.Equal(t, want, store.NewID(created).Created().UnixMilli())
	}
	require.Equal(t, int64(knownMilli), knownID.Created().UnixMilli())
}

func TestID_Reserved(t *testing.T) {
	for _, id := range []store.ID{{}, {15: 1}, {6: 1}, {6: 0xff, 15: 0xff}} {
		require.True(t, id.Reserved(), id)
	}
	for _, id := range []store.ID{{5: 1}, {0: 0x80}, {0: 1, 15: 1}, knownID} {
		require.False(t, id.Reserved(), id)
	}
}

func TestParseID(t *testing.T) {
	require.Equal(t, knownText, knownID.String())
	for _, text := range []string{knownText, strings.ToUpper(knownText)} {
		id, err := store.ParseID(text)
		require.NoError(t, err)
		require.Equal(t, knownID, id)
	}
	for range 100 {
		want := store.NewID(time.Now())
		got, err := store.ParseID(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// malformedIDs are texts that are no ID.
var malformedIDs = []string{
	"",
	"0",
	knownText[1:],
	knownText[2:],
	knownText + "0",
	knownText + "00",
	knownText + "\n",
	" " + knownText[1:],
	"g" + knownText[1:],
	knownText[:31] + "g",
	knownText[:31] + "\x00",
	"0x" + knownText[2:],
	knownText[:16] + "-" + knownText[17:],
	strings.Repeat("é", 16),
	"0193a5f0-c7d2-0001-0203-0405060708ff",
}

func TestParseID_malformed(t *testing.T) {
	for _, text := range malformedIDs {
		id, err := store.ParseID(text)
		require.EqualError(t, err, "store: an ID is 32 hexadecimal digits", "%q", text)
		require.Zero(t, id, "%q", text)
	}
}

func TestID_MarshalText(t *testing.T) {
	type page struct {
		ID   store.ID
		Seen map[store.ID]int
	}
	want := page{ID: knownID, Seen: map[store.ID]int{{15: 1}: 1}}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, `{"ID":"`+knownText+`","Seen":{"00000000000000000000000000000001":1}}`, string(text))
	var got page
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, want, got)
}

func TestID_UnmarshalText_malformed(t *testing.T) {
	for _, text := range malformedIDs {
		id := knownID
		require.Error(t, id.UnmarshalText([]byte(text)), "%q", text)
		require.Equal(t, knownID, id, "%q changed it", text)
	}
}

// A clock that stands at or before 1970, as on a board without a battery, makes
// no reserved IDs.
func TestNewID_clockNeverSet(t *testing.T) {
	for _, now := range []time.Time{time.UnixMilli(0), time.UnixMilli(-5), {}} {
		require.False(t, store.NewID(now).Reserved(), now)
	}
}
