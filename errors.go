package gimlet

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gimlet-go/gimlet/store"
)

// The errors that callers branch on. They are found with [errors.Is].
var (
	// ErrNoSession says that a token names no live session: it is unknown,
	// expired, revoked, malformed or forged. Which of these it was is not
	// told, since it would help only an attacker; [WithEvents] knows.
	ErrNoSession = errors.New("gimlet: no session")

	// ErrGone says that the session was destroyed, revoked or given a new
	// token by someone else while this request worked on it. Nothing was
	// saved.
	ErrGone = errors.New("gimlet: the session ended while the request worked on it")

	// ErrTooLarge says that the session would exceed [WithMaxSize], or its
	// cookies Cookie.MaxBytes. Nothing was saved.
	ErrTooLarge = errors.New("gimlet: session too large")

	// ErrNotSaved says that the store has failed and that nothing of the change
	// was saved, and never will be: it can be tried again. The cause is wrapped
	// beside it.
	ErrNotSaved = errors.New("gimlet: nothing was saved")

	// ErrUncertain says that the store has failed, and that nobody knows
	// whether the change was saved: whole or not at all. The next request
	// that loads the session sees which. The cause is wrapped beside it.
	ErrUncertain = errors.New("gimlet: it is not known whether it was saved")

	// ErrFull says that the store has failed because there is no room: its disk is
	// full, or a quota or a limit of its size is reached. It stands beside
	// ErrNotSaved or ErrUncertain. Sessions can still be read, and saving goes on by
	// itself once there is room. An error of [New] matches it, too.
	ErrFull = errors.New("gimlet: the store has no room")

	// ErrHeadersSent says that a change needs a cookie, and that the headers
	// of the response are already out, or its connection taken over. The
	// change was not made.
	ErrHeadersSent = errors.New("gimlet: the response's headers are already sent, so no cookie can be set")

	// ErrClosed says that the manager is closed.
	ErrClosed = errors.New("gimlet: manager closed")
)

// statusOf is the status of the response that replaces a handler's output.
func statusOf(err error) int {
	var value *ValueError
	switch {
	case errors.Is(err, ErrGone), errors.Is(err, ErrTooManySessions):
		return http.StatusConflict
	case errors.Is(err, ErrTooLarge), errors.As(err, &value), errors.Is(err, errMisuse):
		return http.StatusInternalServerError
	default:
		return http.StatusServiceUnavailable
	}
}

// defaultErrorHandler answers a request whose session failed.
func defaultErrorHandler(w http.ResponseWriter, _ *http.Request, err error) {
	status := statusOf(err)
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(status), status)
}

// errMisuse marks errors of the calling program, as opposed to errors of
// the store.
var errMisuse = errors.New("gimlet")

func misuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errMisuse}, args...)...)
}

// storeError gives an error of the store the prefix of what was being done,
// and ErrClosed and ErrFull their own names.
func storeError(doing string, err error) error {
	if errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("gimlet: %s: %w", doing, errors.Join(ErrClosed, err))
	}
	full := errors.Is(err, store.ErrFull)
	err = fmt.Errorf("gimlet: %s: %w", doing, err)
	if full {
		return &markedError{err, ErrFull}
	}
	return err
}

// writeError is storeError of a change, which also matches ErrNotSaved or
// ErrUncertain.
func writeError(doing string, err error) error {
	outcome := ErrUncertain
	if errors.Is(err, store.ErrNotSaved) || errors.Is(err, store.ErrConflict) {
		outcome = ErrNotSaved
	}
	return &markedError{storeError(doing, err), outcome}
}

// A markedError is found by its mark as well, and says the same.
type markedError struct{ err, mark error }

func (e *markedError) Error() string   { return e.err.Error() }
func (e *markedError) Unwrap() []error { return []error{e.err, e.mark} }

// interrupted reports whether err comes from the caller's own context.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}
