package compress

import (
	"context"

	"github.com/gimlet-go/gimlet/store"
)

// What the tests say of dictionaries in numbers.
const (
	EnoughSamples   = enoughSamples
	SomeSamples     = someSamples
	SamplesOfOne    = samplesOfOne
	MaxSample       = maxSample
	WatchedSaves    = watchedSaves
	RetryAfter      = retryAfter
	MaxDictionaries = maxDictionaries
	MinShort        = minShort
	BorderShort     = borderShort
)

// CloseUngated is Close with the safeguard out: it does not wait for those who
// are decompressing.
func (s *Store) CloseUngated() {
	s.codec.decoder.Close()
	s.inner.Close()
}

// DictionaryID returns the ID of the record that holds a dictionary.
func DictionaryID(number int) store.ID { return dictionaryID(number) }

// DictionaryRecord returns the record of a dictionary that holds content.
func DictionaryRecord(number int, content []byte, ratio float64) store.Record {
	d := newDictionary(number, content, ratio)
	return store.Record{ID: dictionaryID(number), Version: 1, Data: rawForm(d.encode())}
}

// Look makes s look for dictionaries, and waits until it has done so.
func (s *Store) Look() {
	s.learner.wake()
	s.Learned()
}

// Learned waits until s has done what there was to do about dictionaries.
func (s *Store) Learned() { s.learner.done.Wait() }

// Samples returns how many samples s holds, and whether it gathers more.
func (s *Store) Samples() (int, bool) {
	l := s.learner
	l.samples.mu.Lock()
	defer l.samples.mu.Unlock()
	return len(l.samples.all), l.samples.on.Load()
}

// Train returns the content of a dictionary that is made of data, of which
// each belongs to the person with the same index.
func Train(ctx context.Context, data [][]byte, people []string) ([]byte, error) {
	all := make([]sample, len(data))
	for i := range data {
		all[i] = sample{people[i], data[i]}
	}
	return train(ctx, all)
}

// Shared returns the strings that occur with at least that many people.
func Shared(ctx context.Context, data [][]byte, people []string, least int) ([][]byte, error) {
	all := make([]sample, len(data))
	for i := range data {
		all[i] = sample{people[i], data[i]}
	}
	c, err := newCorpus(ctx, all)
	if err != nil {
		return nil, err
	}
	found, err := c.shared(ctx, least)
	var texts [][]byte
	for _, s := range found {
		texts = append(texts, c.string(s))
	}
	return texts, err
}

// A Block compresses into blocks with a dictionary.
type Block struct{ x *index }

// NewBlock returns a Block whose dictionary is content.
func NewBlock(content []byte) Block { return Block{newIndex(content)} }

// Encode returns src as a block, if that takes no more than most bytes.
func (b Block) Encode(src []byte, most int) ([]byte, bool) { return b.x.encode(nil, src, most) }

func SpareID(number int) store.ID { return spareID(number) }
