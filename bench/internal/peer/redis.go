package peer

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"
)

// SCSRedisAlways is scs with a Redis server on the same machine that syncs
// every write before it answers.
var SCSRedisAlways = scsOnRedis("scs, Redis, synced",
	"v2.9.0 with redigo v1.9.3, up to 64 idle connections over TCP; the store is an adapter of this module that makes the calls of scs's redisstore: GET; MULTI, SET, PEXPIREAT, EXEC. Redis with appendonly yes, appendfsync always, save \"\".",
	true, "--appendonly", "yes", "--appendfsync", "always")

// SCSRedis is scs with a Redis server that keeps everything in memory.
var SCSRedis = scsOnRedis("scs, Redis, not synced",
	"The same with appendonly no and save \"\": Redis writes nothing to the disk.",
	false, "--appendonly", "no")

// ErrNoRedis is what Open of the Redis peers returns when there is no
// redis-server to run.
var ErrNoRedis = errors.New("peer: redis-server is not installed")

func scsOnRedis(name, about string, synced bool, settings ...string) Peer {
	return Peer{
		Name:   name,
		About:  about,
		Synced: synced,
		Kept:   synced,
		Open: func(dir string) (*Server, error) {
			stop, addr, err := startRedis(dir, settings)
			if err != nil {
				return nil, err
			}
			pool := &redis.Pool{
				MaxIdle: 64,
				Dial:    func() (redis.Conn, error) { return redis.Dial("tcp", addr) },
			}
			s := scsServer(&scsRedis{pool: pool}, 0)
			s.close = func() error { return errors.Join(pool.Close(), stop()) }
			return s, nil
		},
	}
}

// InstallRedis makes sure that there is a redis-server to run: on Debian, as
// root, it installs the package. Elsewhere it returns [ErrNoRedis] if there is
// none.
func InstallRedis() error {
	if _, err := exec.LookPath("redis-server"); err == nil {
		return nil
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Getuid() != 0 {
		return ErrNoRedis
	}
	install := exec.Command(apt, "install", "-y", "-q", "--no-install-recommends", "redis-server")
	// With a run level of 1 the package does not start a server of its own.
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: apt-get: %w: %s", ErrNoRedis, err, out[max(0, len(out)-200):])
	}
	return nil
}

// startRedis runs a server of its own on a free port of the loopback
// interface, with its files in dir.
func startRedis(dir string, settings []string) (stop func() error, addr string, err error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, "", ErrNoRedis
	}
	port, err := freePort()
	if err != nil {
		return nil, "", fmt.Errorf("peer: redis: %w", err)
	}
	args := append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--daemonize", "no", "--loglevel", "warning"}, settings...)
	server := exec.Command(path, args...)
	if err := server.Start(); err != nil {
		return nil, "", fmt.Errorf("peer: redis: %w", err)
	}
	stop = func() error {
		if runtime.GOOS == "windows" || server.Process.Signal(os.Interrupt) != nil {
			_ = server.Process.Kill() // it has ended by itself
		}
		_ = server.Wait() // it was told to end: how it does is its own affair
		return nil
	}
	addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := waitForRedis(addr); err != nil {
		return nil, "", errors.Join(err, stop())
	}
	return stop, addr, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// waitForRedis returns when the server has loaded its files and answers.
func waitForRedis(addr string) (err error) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var conn redis.Conn
		if conn, err = redis.Dial("tcp", addr); err != nil {
			continue
		}
		_, err = conn.Do("PING")
		if closing := conn.Close(); err == nil {
			return closing
		}
	}
	return fmt.Errorf("peer: redis does not answer: %w", err)
}
