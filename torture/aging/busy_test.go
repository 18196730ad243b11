package aging_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gimlet-go/gimlet"
	"github.com/gimlet-go/gimlet/torture/internal/rig"
)

// A business is the settings of the program busy.
type business struct {
	Path  string
	Leaks bool // each request leaves a goroutine behind, some a descriptor
}

// A sample is what a busy program has at one moment.
type sample struct {
	Memory, Files, Goroutines int
	FileSize                  int
	P99                       int // microseconds, of the requests since the sample before
}

// busy serves the site over HTTP until its input ends, and samples of itself at /sample.
func busy(args []string) error {
	var b business
	if err := json.Unmarshal([]byte(args[0]), &b); err != nil {
		return err
	}
	site, err := rig.OpenSite(b.Path, gimlet.WithCache(4<<20)) // that is soon full
	if err != nil {
		return err
	}
	var served atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/sample", func(w http.ResponseWriter, r *http.Request) {
		if _, err := site.Manager.Sweep(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		s, err := sampleOf(b.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(s)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if b.Leaks {
			go leak(b.Path, served.Add(1)%50 == 0)
		}
		site.Handler.ServeHTTP(w, r)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() { _ = http.Serve(l, mux) }()
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return site.Close()
}

// leak never ends, and may keep a descriptor.
func leak(path string, descriptor bool) {
	if !descriptor {
		select {}
	}
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	<-make(chan struct{})
}

func sampleOf(path string) (s sample, err error) {
	if s.Memory, err = ownMemory(); err != nil {
		return s, err
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return s, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return s, err
	}
	s.Files, s.Goroutines, s.FileSize = len(files), runtime.NumGoroutine(), int(info.Size())
	return s, nil
}

// A crowd uses a busy program.
type crowd struct {
	t    *testing.T
	base string
	mu   sync.Mutex
	took []time.Duration // since the last sample
	all  int
}

// watchBusy runs the program busy for some time, with visitors, and samples it.
func watchBusy(t *testing.T, b business, total time.Duration) (samples []sample, requests int) {
	t.Helper()
	if _, err := sampleOf(os.Args[0]); err != nil {
		t.Skipf("skipped: needs /proc/self: %v", err)
	}
	cmd := rig.Program(t, rig.This(), "busy", b)
	c, stop := newCrowd(t, cmd)
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), total)
	defer cancel()
	var visitors sync.WaitGroup
	for range 8 {
		visitors.Go(func() { c.visit(ctx) })
	}
	tick := time.NewTicker(total / 60)
	defer tick.Stop()
	for range 59 {
		<-tick.C
		samples = append(samples, c.sample())
	}
	cancel()
	visitors.Wait()
	return samples, c.all
}

func newCrowd(t *testing.T, cmd *exec.Cmd) (c *crowd, stop func()) {
	t.Helper()
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	address, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return &crowd{t: t, base: "http://" + strings.TrimSpace(address)}, func() {
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
	}
}

// visit has one session after the other.
func (c *crowd) visit(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		client.Jar, _ = cookiejar.New(nil)
		for n, page := range []string{"set", "read", "set", "read", "login", "set", "read", "read", "logout"} {
			form := url.Values{"key": {rig.Keys[n%len(rig.Keys)]}, "n": {strconv.Itoa(n)}, "owner": {"alice"}}
			began := time.Now()
			resp, err := client.PostForm(c.base+"/"+page, form)
			if err != nil {
				c.t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				c.t.Errorf("%s: status %d", page, resp.StatusCode)
				return
			}
			c.mu.Lock()
			c.all++
			c.took = append(c.took, time.Since(began))
			c.mu.Unlock()
		}
	}
}

func (c *crowd) sample() (s sample) {
	c.t.Helper()
	resp, err := http.Get(c.base + "/sample")
	require.NoError(c.t, err)
	defer resp.Body.Close()
	require.NoError(c.t, json.NewDecoder(resp.Body).Decode(&s))
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.took) > 0 {
		slices.Sort(c.took)
		s.P99 = int(c.took[len(c.took)*99/100] / time.Microsecond)
	}
	c.took = c.took[:0]
	return s
}
