package gimlet_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/store/memory"
)

// Whatever is secret comes from crypto/rand, which ends the program rather
// than fail. Other randomness only spreads the times of the sweep, and serves
// tests of stores.
func TestConformance_oneSourceOfRandomness(t *testing.T) {
	found := make(map[string][]string)
	require.NoError(t, filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skipForeign(name, d)
		case !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"), filepath.Base(filepath.Dir(name)) == "storetest":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); strings.Contains(path, "rand") || strings.Contains(path, "uuid") {
				found[path] = append(found[path], filepath.ToSlash(name))
			}
		}
		return nil
	}))
	require.Equal(t, map[string][]string{
		"crypto/rand":  {"ringkey.go", "session.go", "store/bolt/journalfile.go", "store/id.go", "token.go"},
		"math/rand/v2": {"house.go"},
	}, found)
}

const userMark = "mark-of-a-user"

// The cookie says nothing of the user, whatever is decoded or inflated of it;
// in the signed form, which is asked for, values can be read.
func TestConformance_cookieSaysNothing(t *testing.T) {
	for _, signed := range []bool{false, true} {
		m := newManager(t, gimlet.WithCookie(gimlet.Cookie{Signed: signed}))
		site := newLocal(t, m)
		site.on("/", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			require.NoError(t, s.Login(r.Context(), userMark))
			s.Set("name", userMark, gimlet.ClientSide)
			s.Set(userMark, true, gimlet.ClientSide|gimlet.Transient)
			s.Set("role", userMark)
		})
		cookies := site.browser().ok("/").Cookies()
		require.Len(t, cookies, 2)
		for _, c := range cookies {
			require.Equal(t, signed, reveals(c.Value, userMark), c.Name)
		}
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	require.NoError(t, err)
	_, err = io.WriteString(w, strings.Repeat(userMark, 3))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.True(t, reveals("12"+base64.RawURLEncoding.EncodeToString(packed.Bytes()), userMark), "inflating can find it")
	require.True(t, reveals(hex.EncodeToString([]byte(userMark)), userMark))
}

// reveals reports whether a text can be read in a cookie's value.
func reveals(value, text string) bool {
	forms := [][]byte{[]byte(value)}
	if b, err := hex.DecodeString(value); err == nil {
		forms = append(forms, b)
	}
	for skip := range min(4, len(value)) {
		rest := value[skip:]
		if len(rest)%4 == 1 {
			rest = rest[:len(rest)-1]
		}
		if b, err := base64.RawURLEncoding.DecodeString(rest); err == nil {
			forms = append(forms, b)
		}
	}
	for _, form := range forms {
		for i := range form {
			inflated, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(form[i:])), 1<<16))
			if bytes.Contains(inflated, []byte(text)) {
				return true
			}
		}
		if bytes.Contains(form, []byte(text)) {
			return true
		}
	}
	return false
}

// What a client sends never becomes the name of a file, nor is a file read for
// it.
func TestConformance_traversal(t *testing.T) {
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	require.NoError(t, os.Mkdir(home, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "upload"), []byte("n=5"), 0o600))
	tree := func() (names []string) {
		require.NoError(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
			names = append(names, name)
			return err
		}))
		return names
	}
	withFile(t, filepath.Join(home, "sessions.db"), func(m *gimlet.Manager) {
		site := newLocal(t, m).begins()
		live := site.ask("/set").line()
		before := tree()
		require.Len(t, before, 5, "the directories, the file, its journal and the upload")
		for _, id := range []string{
			"../upload", "..", "/", "../../upload", `..\upload`, "..%2fupload", "....//upload", "upload",
			filepath.Join(dir, "upload"), "sessions.db", "sessions.db.tmp", "../new", "new", "1../upload", "*", "../upload\x00",
		} {
			line := "__Host-id=" + id
			require.Empty(t, site.ask("/get", line).body, id)
			require.Equal(t, http.StatusOK, site.ask("/destroy", line).StatusCode, id)
			require.Len(t, site.ask("/set", line).Cookies(), 1, id)
			_, err := m.Load(t.Context(), id)
			require.ErrorIs(t, err, gimlet.ErrNoSession, id)
		}
		require.Equal(t, before, tree())
		require.Equal(t, "five", site.ask("/get", live).body)
	})
}

// When the store fails during a login, nobody is who wanted to log in: neither
// with the cookie from before nor with one of that response.
func TestConformance_failedLogin(t *testing.T) {
	for _, first := range []string{"", "alice"} {
		disk := newBreakable()
		m := newManagerOn(t, disk)
		site := newLocal(t, m)
		site.on("/login", func(s *gimlet.Session, _ http.ResponseWriter, r *http.Request) {
			_ = s.Login(r.Context(), r.FormValue("name"))
		})
		site.do("/set", func(s *gimlet.Session) { s.Set("n", 5) })
		site.on("/who", func(s *gimlet.Session, w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(s.Owner()))
		})
		b := site.browser()
		b.ok("/set")
		if first != "" {
			b.ok("/login?name=" + first)
		}
		old := b.steal()
		disk.saves.set(errDisk)
		p := b.get("/login?name=bob")
		disk.saves.mend()
		require.Equal(t, http.StatusServiceUnavailable, p.StatusCode, first)
		for _, c := range p.Cookies() {
			require.Empty(t, c.Value)
		}
		require.NotEqual(t, "bob", b.ok("/who").body)
		require.NotEqual(t, "bob", old.ok("/who").body)
		for range m.Sessions(t.Context(), "bob") {
			require.Fail(t, "bob has a session")
		}
		b.ok("/login?name=bob")
		require.Equal(t, "bob", b.ok("/who").body, "the test can fail")
	}
}

// Nothing of what the store holds opens a session, in any form: neither its ID
// nor the hash nor the record.
func TestConformance_storedBytesOpenNothing(t *testing.T) {
	shared := memory.New()
	m := newManagerOn(t, shared)
	site := newLocal(t, m).begins()
	var secret []byte
	site.do("/note", func(s *gimlet.Session) {
		s.Get("n")
		b, err := hex.DecodeString(gimlet.SecretOf(s))
		require.NoError(t, err)
		secret = b
	})
	live := site.ask("/set").line()
	site.ask("/note", live)
	digest := sha256.Sum256(secret)
	tried := 0
	for rec, err := range shared.List(t.Context(), "") {
		require.NoError(t, err)
		for _, b := range [][]byte{rec.ID[:], digest[:], digest[:16], append(rec.ID[:], digest[:]...), append(rec.ID[:], digest[:16]...), rec.Data} {
			for _, form := range append(everyForm(b), rec.ID.String()) {
				for _, value := range []string{form, "1" + form} {
					tried++
					require.Empty(t, site.ask("/get", "__Host-id="+value).body)
					_, err := m.Load(t.Context(), value)
					require.ErrorIs(t, err, gimlet.ErrNoSession)
				}
			}
		}
	}
	require.Greater(t, tried, 50)
	require.Equal(t, "five", site.ask("/get", live).body)
}

// A second cookie that was forged or stolen ends no session but the sender's
// own.
func TestConformance_forgedSecondCookie(t *testing.T) {
	site := newLocal(t, newManager(t, gimlet.WithCookie(gimlet.Cookie{MaxBytes: 16384}))).begins()
	victim := site.ask("/set/client")
	require.Equal(t, "five", site.ask("/get", victim.line()).body)
	for _, c := range victim.Cookies() {
		for _, value := range []string{c.Value, "1" + c.Value, "1victim"} {
			own := site.ask("/set").line()
			site.ask("/destroy", own+"; __Host-id.t="+value)
			require.Empty(t, site.ask("/get", own).body, "it logged out")
			site.ask("/destroy", "__Host-id.t="+value)
			require.Equal(t, "five", site.ask("/get", victim.line()).body)
		}
	}
}

// A cookie that ends with the browser has a deadline on the server all the
// same: who keeps it is nobody then, and the record goes with the sweep, which
// leaves those that live.
func TestConformance_browserSessionHasDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, gimlet.WithPersistent(false), gimlet.WithIdleTimeout(time.Hour))
		site := newLocal(t, m).begins()
		line := site.ask("/set").line()
		time.Sleep(30 * time.Minute)
		other := site.ask("/set").line()
		_, err := m.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, records(t, m))
		time.Sleep(30 * time.Minute)
		require.Empty(t, site.ask("/get", line).body)
		_, err = m.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, records(t, m))
		require.Equal(t, "five", site.ask("/get", other).body)
	})
}
