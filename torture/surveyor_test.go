package torture_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// A surveyor has the program survey look at directories. A file may be such that who
// opens it hangs or dies: then the next one is looked at by another process.
type surveyor struct {
	patience time.Duration // how long it waits for an answer
	cmd      *exec.Cmd
	in       *bufio.Writer
	out      *bufio.Reader
}

func newSurveyor(t testing.TB, patience time.Duration) *surveyor {
	s := &surveyor{patience: patience}
	t.Cleanup(s.stop)
	return s
}

func (s *surveyor) start() error {
	s.cmd = exec.Command(this())
	s.cmd.Env = append(os.Environ(), programEnv+"=survey")
	s.cmd.Stderr = &bytes.Buffer{}
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.in, s.out = bufio.NewWriter(in), bufio.NewReader(out)
	return s.cmd.Start()
}

func (s *surveyor) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	s.cmd = nil
}

// look returns what is found in dir, which it changes.
func (s *surveyor) look(dir string) finding {
	f, err := s.ask(dir)
	if err != nil {
		stderr := s.cmd.Stderr.(*bytes.Buffer)
		s.stop() // after which nobody writes to stderr
		f.Problem = fmt.Sprintf("who opens it hangs or dies: %v %.2000s", err, stderr)
	}
	return f
}

func (s *surveyor) ask(dir string) (f finding, err error) {
	if s.cmd == nil {
		if err := s.start(); err != nil {
			return f, err
		}
	}
	process := s.cmd.Process
	timer := time.AfterFunc(s.patience, func() { _ = process.Kill() })
	defer timer.Stop()
	fmt.Fprintln(s.in, dir)
	if err := s.in.Flush(); err != nil {
		return f, err
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(line, &f)
}
