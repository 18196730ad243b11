// Package disk is a model of a disk that may lose its power. A [Log] is what a
// program did to the files of one directory; from it follow the contents that the
// directory may have when the power goes at a moment of it.
//
// The model is that of POSIX, at its worst: what was not synced may be there or
// not, in any combination, and in part; names change one by one, in any order,
// until their directory is synced; and a sync that has failed is not made good
// by a later one that succeeds.
package disk

// A Kind says what an [Op] does.
type Kind uint8

const (
	Write     Kind = iota // Data at Offset of File
	Resize                // File has Size bytes
	Sync                  // what was written to File is durable
	Rename                // Names are what they say
	SyncNames             // the names of the directory are durable
	Note                  // the program has said Text
)

// An Op is something that a program did.
type Op struct {
	Kind   Kind
	File   int // the number of a file, whatever its name
	Offset int64
	Data   []byte
	Size   int64
	Names  map[string]int // a name and its file, 0 if it has none
	Text   string

	Begin  int  // the moment at which the program asked for it
	End    int  // the moment at which it was answered
	Failed bool // of a sync: the system reported an error
}

// A Log is what programs did to the files of a directory. It is for one goroutine
// at a time, and is not altered once it was asked for anything.
type Log struct {
	Start map[string][]byte // the files at the beginning, which are durable
	Ops   []Op              // in the order of Begin
	End   int               // the moment of the last one

	order []event // made when it is needed
}

// numbers gives the files of the beginning their numbers.
func numbers(start map[string][]byte) map[string]int {
	names := make(map[string]int, len(start))
	for _, name := range sortedKeys(start) {
		names[name] = len(names) + 1
	}
	return names
}

// Notes returns what the programs had said at a moment.
func (l *Log) Notes(moment int) []string {
	var notes []string
	for i := range l.Ops {
		if op := &l.Ops[i]; op.Kind == Note && op.Begin <= moment {
			notes = append(notes, op.Text)
		}
	}
	return notes
}

// Noted returns the moment at which a program said text first, or -1.
func (l *Log) Noted(text string) int {
	for i := range l.Ops {
		if op := &l.Ops[i]; op.Kind == Note && op.Text == text {
			return op.Begin
		}
	}
	return -1
}
