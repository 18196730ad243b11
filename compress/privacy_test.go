package compress_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/compress"
	"github.com/gimlet-go/gimlet/store"
	"github.com/gimlet-go/gimlet/store/memory"
)

// What must not get into a dictionary. The windows of it are not such as come
// about by chance.
const (
	plantedEmail  = "zq.vxkw@qwfp-jzx.tv"
	plantedSecret = "<launch code 7351-TANGO>"
)

func plantedToken() string { return hex.EncodeToString(noise(20)) }

// windows returns how many windows of six bytes of text are in content.
func windows(content []byte, text string) (n int) {
	for i := range len(text) - 5 {
		if bytes.Contains(content, []byte(text[i:i+6])) {
			n++
		}
	}
	return n
}

// A crowd is sessions and whose they are.
type crowd struct {
	data   [][]byte
	people []string
}

func (c *crowd) add(person string, i int, planted string) {
	c.data = append(c.data, append(session(i, 220), planted...))
	c.people = append(c.people, person)
}

// newCrowd returns the sessions of n people, and then 300 of mallory's, which
// share a secret. One of the people has an address and a token.
func newCrowd(n int) *crowd {
	c := &crowd{}
	for i := range n {
		planted := ""
		if i == n/2 {
			planted = plantedEmail + plantedToken()
		}
		c.add(fmt.Sprint(i), i, planted)
	}
	for i := range 300 {
		c.add("mallory", n+i, plantedSecret)
	}
	return c
}

func (c *crowd) train(t *testing.T) []byte {
	t.Helper()
	content, err := compress.Train(t.Context(), c.data, c.people)
	require.NoError(t, err)
	require.LessOrEqual(t, len(content), 4<<10)
	return content
}

func TestTrain_Private(t *testing.T) {
	content := newCrowd(200).train(t)
	require.Positive(t, windows(content, "@example.org"), "what all have is there")
	require.Zero(t, windows(content, plantedEmail))
	require.Zero(t, windows(content, plantedToken()))
	require.Zero(t, windows(content, plantedSecret))
}

// The negative control: sessions are counted instead of people, and the token
// is one that many have. Both are found then.
func TestTrain_Private_Control(t *testing.T) {
	c := newCrowd(200)
	for i := range c.people {
		c.people[i] = fmt.Sprint(i)
	}
	require.Positive(t, windows(c.train(t), plantedSecret))

	c = newCrowd(200)
	for i := range 40 {
		c.data[i] = append(c.data[i], plantedToken()...)
	}
	require.Positive(t, windows(c.train(t), plantedToken()))
}

// At least 8 people, and one of 16.
func TestTrain_ManyPeople(t *testing.T) {
	for people, least := range map[int]int{8: 8, 60: 8, 128: 8, 129: 9, 160: 10, 320: 20} {
		for sharing := least - 1; sharing <= least; sharing++ {
			c := &crowd{}
			for i := range people {
				planted := ""
				if i < sharing {
					planted = plantedSecret
				}
				c.add(fmt.Sprint(i), i, planted)
			}
			found := windows(c.train(t), plantedSecret) > 0
			require.Equal(t, sharing == least, found, "%d of %d people share it", sharing, people)
		}
	}
}

// A dictionary consists of strings which, each as a whole, many people have.
// Pieces that many have are not put together to something that few have.
func TestTrain_EveryString(t *testing.T) {
	c := newCrowd(150)
	least := 10 // of 151
	found, err := compress.Shared(t.Context(), c.data, c.people, least)
	require.NoError(t, err)
	for _, s := range found {
		having := map[string]bool{}
		for i, data := range c.data {
			if bytes.Contains(data, s) {
				having[c.people[i]] = true
			}
		}
		require.GreaterOrEqual(t, len(having), least, "%q", s)
	}

	content := c.train(t)
	reached := make([]bool, len(content)+1)
	reached[0] = true
	for i := range content {
		for _, s := range found {
			if reached[i] && bytes.HasPrefix(content[i:], s) {
				reached[i+len(s)] = true
			}
		}
	}
	require.True(t, reached[len(content)], "there is something else in it: %q", content)
}

func TestTrain_LittleInCommon(t *testing.T) {
	c := &crowd{}
	for i := range 7 {
		c.add(fmt.Sprint(i), i, "")
	}
	require.Empty(t, c.train(t), "seven people")
	c = &crowd{}
	for i := range 200 {
		c.data = append(c.data, noise(300 + i)[:300])
		c.people = append(c.people, fmt.Sprint(i))
	}
	require.Empty(t, c.train(t), "noise")
	require.Empty(t, (&crowd{}).train(t), "nobody")
	c = &crowd{}
	for i := range 256 {
		c.data = append(c.data, make([]byte, compress.MaxSample))
		c.people = append(c.people, fmt.Sprint(i))
	}
	require.Less(t, len(c.train(t)), 100, "half a megabyte of zeros")
}

func TestTrain_Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newCrowd(100)
	_, err := compress.Train(ctx, c.data, c.people)
	require.ErrorIs(t, err, context.Canceled)
}

// The same through a store: of an owner's many sessions, and of one that is
// saved again and again, nothing gets into the record of the dictionary.
func TestStore_Private(t *testing.T) {
	inner := memory.New()
	s := open(t, inner)
	again := visit(1)
	again.Data = append(again.Data, plantedToken()...)
	for i := range 400 {
		require.NoError(t, s.Save(t.Context(), again))
		again.Version++
		r := visit(i)
		if i%2 == 0 {
			r.Owner, r.Data = "mallory", append(r.Data, plantedSecret...)
		}
		require.NoError(t, s.Save(t.Context(), r))
	}
	n, _ := s.Samples()
	require.Equal(t, 1+compress.SamplesOfOne+200, n)
	for i := range 100 {
		require.NoError(t, s.Save(t.Context(), visit(1000+i)))
	}
	s.Learned()
	require.Equal(t, 1, s.Stats().Dictionary)
	r, err := inner.Load(t.Context(), compress.DictionaryID(1))
	require.NoError(t, err)
	require.Equal(t, store.Record{ID: r.ID, Version: 1, Data: r.Data}, r, "nobody's, and for ever")
	require.Positive(t, windows(r.Data, "@example.org"))
	require.Zero(t, windows(r.Data, plantedToken()))
	require.Zero(t, windows(r.Data, plantedSecret))
}
