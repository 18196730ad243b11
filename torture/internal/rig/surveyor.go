package rig

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

// A Surveyor asks a program about files, line by line. A file may be such that who
// opens it hangs or dies: then the next one is looked at by another process.
type Surveyor struct {
	Binary   string
	Program  string        // that answers a line with a line
	Settings any           // of it
	patience time.Duration // how long it waits for an answer
	cmd      *exec.Cmd
	in       *bufio.Writer
	out      *bufio.Reader
}

// NewSurveyor returns one that waits so long for an answer.
func NewSurveyor(t testing.TB, patience time.Duration) *Surveyor {
	s := &Surveyor{Binary: This(), Program: "survey", patience: patience}
	t.Cleanup(s.stop)
	return s
}

func (s *Surveyor) start() error {
	settings, err := json.Marshal(s.Settings)
	if err != nil {
		return err
	}
	s.cmd = exec.Command(s.Binary, string(settings))
	s.cmd.Env = append(os.Environ(), Variable+"="+s.Program)
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

func (s *Surveyor) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	s.cmd = nil
}

// Ask asks the program, and returns why there was no answer.
func (s *Surveyor) Ask(line string, answer any) (problem string) {
	err := s.try(line, answer)
	if err == nil {
		return ""
	}
	stderr := s.cmd.Stderr.(*bytes.Buffer)
	s.stop() // after which nobody writes to stderr
	return fmt.Sprintf("who opens it hangs or dies: %v %.2000s", err, stderr)
}

func (s *Surveyor) try(line string, answer any) error {
	if s.cmd == nil {
		if err := s.start(); err != nil {
			return err
		}
	}
	process := s.cmd.Process
	timer := time.AfterFunc(s.patience, func() { _ = process.Kill() })
	defer timer.Stop()
	fmt.Fprintln(s.in, line)
	if err := s.in.Flush(); err != nil {
		return err
	}
	b, err := s.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(b, answer)
}
