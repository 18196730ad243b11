package compress

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// An Option changes how [New] makes a Store.
type Option func(*options)

type options struct {
	level   Level
	minSize int
	maxSize int

	dictionary bool
}

// Level says how hard the compressor tries. Reading is the same for all of
// them, and so is what can be read: changing the level of a store that has
// records is always possible.
type Level int

const (
	// Fastest is the default.
	Fastest Level = iota

	// Balanced makes data two or three hundredths of its size smaller still,
	// takes up to half as long again and twice the memory.
	Balanced

	// None stores all data as it is, and makes no dictionary. Records that were
	// stored compressed can still be read, which they cannot without a Store of
	// this package.
	None
)

// zstd returns the library's name for the level.
func (l Level) zstd() zstd.EncoderLevel {
	if l == Balanced {
		return zstd.SpeedDefault
	}
	return zstd.SpeedFastest
}

const (
	// Without a dictionary, session data of 500 bytes is as large after
	// compression as before, and data of 2 KB is half as large. In between
	// trying costs 7 µs for each save, and for what it gains, 3 µs for each load.
	defaultMinSize = 1 << 10

	defaultMaxSize  = 16 << 20
	greatestMaxSize = 1 << 30
)

func defaults() options {
	return options{level: Fastest, minSize: defaultMinSize, maxSize: defaultMaxSize, dictionary: true}
}

// WithLevel sets how hard the compressor tries. The default is [Fastest].
func WithLevel(l Level) Option {
	return func(o *options) { o.level = l }
}

// WithMinSize sets the size in bytes from which on data is compressed without a
// dictionary; less is stored as it is if no dictionary helps. The default is
// 1024: smaller session data hardly shrinks.
func WithMinSize(bytes int) Option {
	return func(o *options) { o.minSize = bytes }
}

// WithMaxSize sets the greatest size in bytes of a record's data before
// compression. More is not saved, and compressed data that claims to be more
// is not decompressed but reported as corrupt, so the limit must not be
// lowered below what has been stored. The default is 16 MiB, the greatest
// value 1 GiB.
func WithMaxSize(bytes int) Option {
	return func(o *options) { o.maxSize = bytes }
}

// WithDictionary says whether dictionaries are made of what is saved, and used
// to compress records of 64 bytes to 3 KiB. The default is true; the package
// documentation says what gets into a dictionary. Records that were compressed
// with one are read in either case.
func WithDictionary(use bool) Option {
	return func(o *options) { o.dictionary = use }
}

func (o options) check() error {
	switch {
	case o.level < Fastest || o.level > None:
		return fmt.Errorf("compress: unknown level %d", o.level)
	case o.minSize < 0:
		return fmt.Errorf("compress: a minimum size of %d bytes", o.minSize)
	case o.maxSize < 1 || o.maxSize > greatestMaxSize:
		return fmt.Errorf("compress: a maximum size of %d bytes: it must be from 1 to %d", o.maxSize, greatestMaxSize)
	}
	return nil
}
