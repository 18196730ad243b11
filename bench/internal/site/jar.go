package site

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// A Jar holds what the browsers of many sessions would send: one Cookie header
// for each, all in one piece of memory, so that a million of them do not keep
// the garbage collector busy while it is the library that is measured.
type Jar struct {
	width int
	data  []byte // headers of width bytes, filled up with spaces
}

// NewJar returns a jar of n empty headers.
func NewJar(n int) *Jar {
	const width = 256 // more than most libraries need
	return &Jar{width: width, data: bytes.Repeat([]byte{' '}, n*width)}
}

// Len returns the number of headers.
func (j *Jar) Len() int { return len(j.data) / j.width }

// Get returns the i-th header.
func (j *Jar) Get(i int) string {
	return string(bytes.TrimRight(j.data[i*j.width:(i+1)*j.width], " "))
}

// Set replaces the i-th header. Calls for different headers may overlap, as
// long as none is longer than the jar is wide; [Jar.Widen] sees to that.
func (j *Jar) Set(i int, header string) {
	if len(header) > j.width {
		panic(fmt.Sprintf("site: a cookie of %d bytes in a jar of %d", len(header), j.width))
	}
	field := j.data[i*j.width : (i+1)*j.width]
	for k := copy(field, header); k < len(field); k++ {
		field[k] = ' '
	}
}

// Widen makes room for headers of n bytes. It may not overlap other calls.
func (j *Jar) Widen(n int) {
	if n <= j.width {
		return
	}
	wide := &Jar{width: n, data: bytes.Repeat([]byte{' '}, j.Len()*n)}
	for i := range j.Len() {
		copy(wide.data[i*n:], j.data[i*j.width:(i+1)*j.width])
	}
	*j = *wide
}

// Save writes the jar to a file that [OpenJar] reads.
func (j *Jar) Save(path string) error {
	header := fmt.Sprintf("%*d\n", fileHeader-1, j.width)
	if err := os.WriteFile(path, append([]byte(header), j.data...), 0o600); err != nil {
		return fmt.Errorf("site: save cookies: %w", err)
	}
	return nil
}

const fileHeader = 9

// A FileJar is a jar that stays in its file, for processes whose memory is
// what is measured.
type FileJar struct {
	file  *os.File
	width int
	count int
}

// OpenJar opens what Save wrote.
func OpenJar(path string) (*FileJar, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("site: open cookies: %w", err)
	}
	j := &FileJar{file: f}
	info, err := f.Stat()
	if err == nil {
		_, err = fmt.Fscanf(io.NewSectionReader(f, 0, fileHeader), "%d", &j.width)
	}
	if err != nil || j.width <= 0 || (info.Size()-fileHeader)%int64(j.width) != 0 {
		_ = f.Close() // it was only read
		return nil, fmt.Errorf("site: open cookies: %s is not a jar", path)
	}
	j.count = int(info.Size()-fileHeader) / j.width
	return j, nil
}

// Len returns the number of headers.
func (j *FileJar) Len() int { return j.count }

// Get returns the i-th header, and "" if it cannot be read.
func (j *FileJar) Get(i int) string {
	field := make([]byte, j.width)
	if _, err := j.file.ReadAt(field, fileHeader+int64(i*j.width)); err != nil {
		return ""
	}
	return string(bytes.TrimRight(field, " "))
}

// Close closes the file.
func (j *FileJar) Close() error { return j.file.Close() }

// CookieHeader returns the Cookie header of a browser that has got these
// Set-Cookie headers and nothing before.
func CookieHeader(setCookies []string) string {
	var pairs []string
	for _, line := range setCookies {
		if c, err := http.ParseSetCookie(line); err == nil && c.MaxAge >= 0 && c.Value != "" {
			pair, _, _ := strings.Cut(line, ";")
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "; ")
}
