package gimlet_test

import (
	"io"
	"log"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

var quietLog = log.New(io.Discard, "", 0)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	code := m.Run()
	if code == 0 && leaked() {
		code = 1
	}
	os.Exit(code)
}

// leaked reports goroutines of this module that outlive the tests.
func leaked() bool {
	var left string
	for range 100 {
		buf := make([]byte, 1<<20)
		_, others, _ := strings.Cut(string(buf[:runtime.Stack(buf, true)]), "\n\n") // without this one
		if left = others; !strings.Contains(left, "github.com/gimlet-go/gimlet") {
			return false
		}
		<-time.After(10 * time.Millisecond)
	}
	_, _ = os.Stderr.WriteString("goroutines outlive the tests:\n" + left)
	return true
}
