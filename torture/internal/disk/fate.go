package disk

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// A fate is what has become of a change when the power went.
type fate struct {
	sectors []bool // of a write: those that are there
	whole   bool   // all of it is there
	sized   bool   // of a write: at least the file is long enough for it
}

var (
	lost  = fate{}
	kept  = fate{whole: true}
	sized = fate{sized: true}
)

// apply returns b with what is there of a write or a resize.
func (f fate) apply(b []byte, op *Op) []byte {
	if f.whole {
		return apply(b, op)
	}
	if op.Kind != Write {
		return b
	}
	if f.sized {
		b = resize(b, max(int64(len(b)), op.Offset+int64(len(op.Data))))
	}
	for i, there := range f.sectors {
		if there {
			b = apply(b, part(op, i))
		}
	}
	return b
}

// sectors returns in how many sectors of the disk a write lies; everything else is
// in one.
func sectors(op *Op) int {
	if op.Kind != Write || len(op.Data) == 0 {
		return 1
	}
	first := op.Offset / sector
	last := (op.Offset + int64(len(op.Data)) - 1) / sector
	return int(last - first + 1)
}

var hole [sector]byte

// telling returns how many sectors of a write differ from those of a hole.
func telling(op *Op) int {
	n := 0
	for i := range sectors(op) {
		if b := part(op, i).Data; !bytes.Equal(b, hole[:len(b)]) {
			n++
		}
	}
	return n
}

// part returns the i-th sector of a write.
func part(op *Op, i int) *Op {
	from := max((op.Offset/sector+int64(i))*sector, op.Offset)
	to := min((op.Offset/sector+int64(i)+1)*sector, op.Offset+int64(len(op.Data)))
	return &Op{Kind: Write, Offset: from, Data: op.Data[from-op.Offset : to-op.Offset]}
}

// torn returns ways in which a write of n sectors is there in part: what comes first or
// last, all but one, one, and something at random.
func torn(n int, rng *rand.Rand) []fate {
	ways := [][]bool{
		pick(n, func(i int) bool { return i == 0 }),
		pick(n, func(i int) bool { return i > 0 }),
		pick(n, func(i int) bool { return i == n-1 }),
		pick(n, func(i int) bool { return i < n-1 }),
		pick(n, func(i int) bool { return i < n/2 }),
		pick(n, func(i int) bool { return i >= n/2 }),
		pick(n, func(int) bool { return rng.IntN(2) == 0 }),
		pick(n, func(int) bool { return rng.IntN(8) == 0 }),
	}
	fates := make([]fate, 0, len(ways))
	for _, w := range ways {
		fates = append(fates, fate{sectors: w, sized: slices.Contains(w, true)})
	}
	return fates
}

func pick(n int, there func(i int) bool) []bool {
	b := make([]bool, n)
	for i := range b {
		b[i] = there(i)
	}
	return b
}

// anyFate returns a fate at random.
func anyFate(op *Op, rng *rand.Rand) fate {
	switch k := rng.IntN(8); {
	case k < 2:
		return kept
	case k < 4 || op.Kind != Write:
		return lost
	case k == 4:
		return sized
	}
	likely := rng.IntN(100)
	there := pick(sectors(op), func(int) bool { return rng.IntN(100) < likely })
	return fate{sectors: there, sized: slices.Contains(there, true)}
}
