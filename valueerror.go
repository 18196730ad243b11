package gimlet

import (
	"errors"
	"strconv"
	"strings"
)

// A ValueError says that a value cannot be stored, or cannot be read as it
// was asked for.
type ValueError struct {
	Key    string // of the value in the session
	Type   string // the Go type that was set, or asked for; "" if any would do
	Stored string // the Go type that is stored; "" when setting
	Err    error  // what went wrong; nil if the types differ
}

func (e *ValueError) Error() string {
	if e.Err == nil {
		return e.withoutCause()
	}
	return e.withoutCause() + ": " + e.Err.Error()
}

func (e *ValueError) withoutCause() string {
	var b strings.Builder
	b.WriteString("gimlet: ")
	if e.Key != "" {
		b.WriteString("key " + strconv.Quote(e.Key) + ": ")
	}
	switch {
	case e.Stored == "":
		b.WriteString("cannot encode " + e.Type)
	case e.Err == nil:
		b.WriteString("stored as " + e.Stored + ", read as " + e.Type)
	case e.Type == "" || e.Type == e.Stored:
		b.WriteString("cannot decode " + e.Stored)
	default:
		b.WriteString("cannot decode " + e.Stored + " as " + e.Type)
	}
	return b.String()
}

// Unwrap returns e.Err.
func (e *ValueError) Unwrap() error { return e.Err }

// A loggableError is an error whose text is safe to log.
type loggableError struct {
	error
	text string
}

func (e loggableError) Error() string { return e.text }

func (e loggableError) Unwrap() error { return e.error }

// loggable returns err with a text that quotes no value. That of a codec, or of a
// type's own marshal methods, may.
func loggable(err error) error {
	var v *ValueError
	if !errors.As(err, &v) || v.Err == nil {
		return err
	}
	return loggableError{err, v.withoutCause()}
}
