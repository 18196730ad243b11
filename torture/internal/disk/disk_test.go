package disk_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet/torture/internal/disk"
)

// outcomes returns all that may be in a file at the end of a log, "-" for no file.
func outcomes(t *testing.T, r *disk.Recorder, name string) map[string]bool {
	t.Helper()
	log := r.Log()
	all := map[string]bool{}
	for c := range log.Crashes([]int{log.End}, 2000, rand.New(rand.NewPCG(1, 1))) {
		b, ok := c.Files[name]
		if !ok {
			b = []byte("-")
		}
		all[strings.ReplaceAll(string(b), "\x00", ".")] = true
	}
	return all
}

func set(list ...string) map[string]bool {
	all := map[string]bool{}
	for _, s := range list {
		all[s] = true
	}
	return all
}

func write(r *disk.Recorder, name, text string, at int64) {
	r.Do(disk.Op{Kind: disk.Write, File: r.File(name), Offset: at, Data: []byte(text)})
}

func sync(r *disk.Recorder, name string, failed bool) {
	r.Begin(disk.Op{Kind: disk.Sync, File: r.File(name)})(failed)
}

func begin() *disk.Recorder {
	return disk.NewRecorder(map[string][]byte{"a": []byte("old")})
}

func TestCrash_writes(t *testing.T) {
	r := begin()
	write(r, "a", "N", 0)
	write(r, "a", "D", 2)
	require.Equal(t, set("old", "Nld", "olD", "NlD"), outcomes(t, r, "a"))
	sync(r, "a", false)
	require.Equal(t, set("NlD"), outcomes(t, r, "a"))
	write(r, "a", "!", 4)
	require.Equal(t, set("NlD", "NlD.!", "NlD.."), outcomes(t, r, "a"))
	r.Do(disk.Op{Kind: disk.Resize, File: r.File("a"), Size: 1})
	require.Equal(t, set("NlD", "NlD.!", "NlD..", "N"), outcomes(t, r, "a"))
}

// A sync is about what was answered before it began.
func TestCrash_writeDuringSync(t *testing.T) {
	r := begin()
	end := r.Begin(disk.Op{Kind: disk.Sync, File: r.File("a")})
	write(r, "a", "new", 0)
	end(false)
	require.Equal(t, set("old", "new"), outcomes(t, r, "a"))

	r = begin()
	written := r.Begin(disk.Op{Kind: disk.Write, File: r.File("a"), Data: []byte("new")})
	sync(r, "a", false)
	written(false)
	require.Equal(t, set("old", "new"), outcomes(t, r, "a"))
	sync(r, "a", false)
	require.Equal(t, set("new"), outcomes(t, r, "a"))
}

// A sync that has no answer has no effect.
func TestCrash_syncUnanswered(t *testing.T) {
	r := begin()
	write(r, "a", "new", 0)
	r.Begin(disk.Op{Kind: disk.Sync, File: r.File("a")})
	require.Equal(t, set("old", "new"), outcomes(t, r, "a"))
}

// What a sync has failed on is in doubt, whatever succeeds later, until something
// else takes its place.
func TestCrash_failedSync(t *testing.T) {
	r := begin()
	write(r, "a", "N", 0)
	sync(r, "a", true)
	write(r, "a", "D", 2)
	sync(r, "a", false)
	require.Equal(t, set("olD", "NlD"), outcomes(t, r, "a"))
	write(r, "a", "M", 0)
	sync(r, "a", false)
	require.Equal(t, set("MlD"), outcomes(t, r, "a"))
}

func TestCrash_torn(t *testing.T) {
	r := disk.NewRecorder(map[string][]byte{"a": []byte(strings.Repeat("o", 1024))})
	write(r, "a", strings.Repeat("n", 600), 300)
	old, torn := strings.Repeat("o", 1024), strings.Repeat("o", 300)
	require.Equal(t, set(
		old,
		torn+strings.Repeat("n", 212)+strings.Repeat("o", 512),
		strings.Repeat("o", 512)+strings.Repeat("n", 388)+strings.Repeat("o", 124),
		torn+strings.Repeat("n", 600)+strings.Repeat("o", 124),
	), outcomes(t, r, "a"))
}

// Names change in any order until the directory is synced.
func TestCrash_names(t *testing.T) {
	r := begin()
	r.Create("b")
	write(r, "b", "new", 0)
	sync(r, "b", false)
	require.Equal(t, set("-", "new"), outcomes(t, r, "b"))
	r.Rename("b", "a")
	require.Equal(t, set("old", "new"), outcomes(t, r, "a"))
	require.Equal(t, set("-", "new"), outcomes(t, r, "b"))
	r.Begin(disk.Op{Kind: disk.SyncNames})(false)
	require.Equal(t, set("new"), outcomes(t, r, "a"))
	require.Equal(t, set("-"), outcomes(t, r, "b"))
	r.Remove("a")
	require.Equal(t, set("new", "-"), outcomes(t, r, "a"))
}

// Many writes lead to more than can be counted: among them none, all, all but one
// and one alone.
func TestCrash_many(t *testing.T) {
	r := disk.NewRecorder(map[string][]byte{"a": []byte("..........")})
	for i := range 10 {
		write(r, "a", "x", int64(i))
	}
	all := outcomes(t, r, "a")
	for _, want := range []string{"..........", "xxxxxxxxxx", ".xxxxxxxxx", "xxxxxxxxx.", "x.........", ".........x"} {
		require.Contains(t, all, want)
	}
	require.Greater(t, len(all), 200)
}

func TestLog_moments(t *testing.T) {
	r := begin()
	write(r, "a", "N", 0) // 1
	sync(r, "a", false)   // 2, 3
	r.Note("one\ntw")     // 4
	r.Note("o\nthr")      // 5
	write(r, "a", "D", 2) // 6
	log := r.Log()
	require.Equal(t, []int{1, 2, 5, 6}, log.Moments(1))
	require.Equal(t, []int{0, 5, 6}, log.Changes())
	require.Equal(t, []string{"one", "two"}, log.Notes(5))
	require.Equal(t, []string{"one"}, log.Notes(4))
	require.Equal(t, 5, log.Noted("two"))
	require.Equal(t, -1, log.Noted("thr"))
	require.Equal(t, "NlD", string(log.Whole(6).Files["a"]))
	require.Equal(t, "Nld", string(log.Whole(5).Files["a"]))
}

// The notes of a program are in no image.
func TestLog_notesFile(t *testing.T) {
	r := begin()
	r.Create(disk.NotesFile)
	require.Equal(t, map[string][]byte{"a": []byte("old")}, r.Log().Whole(1).Files)
}
