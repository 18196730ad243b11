// Command bench measures Gimlet, the libraries that it is compared with, and
// what the machine can do at best, on the same work in one run.
//
//	go run .                       # everything, a quarter of an hour
//	go run . -short                # the same cases, smaller, in a few minutes
//	go run . -only P5,P6 -out DIR  # some of it
//	go run . -redraw results/results.json
//	go run . -redraw results/results.json -publish ..
//
// It writes a page (results.md), charts for it (*.svg) and the data of both
// (results.json). The stores that it measures are kept in a new directory
// below that of the page, which is removed in the end: choose a directory on
// the disk that is to be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/gimlet-go/gimlet/bench/internal/cases"
	"github.com/gimlet-go/gimlet/bench/internal/machine"
	"github.com/gimlet-go/gimlet/bench/internal/report"
)

func main() {
	if found, err := cases.ChildMain(os.Stdout); found {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	exit(run(ctx, os.Args[1:], os.Stderr))
}

func exit(err error) {
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(log)
	short := flags.Bool("short", false, "the same cases with fewer sessions and less time")
	heap := flags.String("heap", "", "the `file` for a profile of the heap of Gimlet's process in P12")
	only := flags.String("only", "", "the `IDs` of the cases to run, separated by commas; all without it")
	out := flags.String("out", "results", "the `directory` for page, charts and data")
	publish := flags.String("publish", "", "with -redraw, the `root` of the repository: put the run into its documentation")
	redraw := flags.String("redraw", "", "measure nothing: make page and charts from this results.json `file`, next to it")
	flags.Usage = func() {
		fmt.Fprintln(log, "usage: go run . [-short] [-only IDs] [-out directory] [-heap file]")
		flags.PrintDefaults()
		fmt.Fprint(log, "cases:\n", cases.Usage())
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("what is %q? see -help", flags.Arg(0))
	}
	if *redraw != "" {
		r, err := report.Load(*redraw)
		if err != nil {
			return err
		}
		if *publish != "" {
			return published(r, *publish)
		}
		return write(r, filepath.Dir(*redraw))
	}
	r, err := measure(ctx, *short, *only, *out, *heap, log)
	if r == nil || len(r.Cases) == 0 {
		return err
	}
	err = errors.Join(err, r.Save(filepath.Join(*out, "results.json")), write(r, *out))
	fmt.Fprintf(log, "%s after %.0f s\n", filepath.Join(*out, "results.md"), r.Seconds)
	return err
}

// measure runs the cases. With an error it returns what was measured before.
func measure(ctx context.Context, short bool, only, dir, heap string, log io.Writer) (*report.Run, error) {
	var ids []string
	if only != "" {
		ids = strings.Split(strings.ToUpper(only), ",")
	}
	chosen, err := cases.Choose(ids)
	if err != nil {
		return nil, err
	}
	scale := cases.Full
	if short {
		scale = cases.Short
	}
	b, err := cases.New(ctx, dir, scale, log)
	if err != nil {
		return nil, err
	}
	b.Heap = heap
	start := time.Now()
	r := &report.Run{Started: start, Short: short, Machine: machine.Describe(dir)}
	for _, c := range chosen {
		var found *report.Case
		if found, err = b.Run(c); err != nil {
			break
		}
		r.Cases = append(r.Cases, found)
	}
	r.Seconds = time.Since(start).Seconds()
	r.Contestants = b.Contestants()
	return r, errors.Join(err, b.Close())
}

// write makes the page and its charts.
func write(r *report.Run, dir string) error {
	files, figures := cases.Draw(r)
	for name, svg := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(dir, "results.md"))
	if err != nil {
		return err
	}
	return errors.Join(r.Markdown(f, figures), f.Close())
}
