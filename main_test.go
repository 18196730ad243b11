package gimlet_test

import (
	"log"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// serverLog is where the test servers of net/http log.
var serverLog = log.New(overhear("a server", "some test"), "", 0)

func TestMain(m *testing.M) {
	listen()
	code := m.Run()
	if tells() && code == 0 {
		code = 1
	}
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
