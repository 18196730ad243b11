package strace

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// newCall takes a call apart. No string of the trace has a comma or a quote in
// it, since all its bytes are in hexadecimal digits.
func newCall(name, args string) (*call, error) {
	if strings.Contains(args, `"...`) {
		return nil, errors.New("a string that is cut off")
	}
	return &call{name: name, args: strings.Split(args, ", ")}, nil
}

func (c *call) arg(i int) string {
	if i < len(c.args) {
		return c.args[i]
	}
	return ""
}

func (c *call) number(i int) (int64, error) { return strconv.ParseInt(c.arg(i), 0, 64) }

// bytes returns an argument that is a string.
func (c *call) bytes(i int) ([]byte, error) {
	text, ok := strings.CutPrefix(c.arg(i), `"`)
	if !ok {
		return nil, fmt.Errorf("argument %d is not a string", i)
	}
	text = strings.TrimSuffix(text, `"`)
	if strings.Count(text, `\x`)*4 != len(text) {
		return nil, fmt.Errorf("argument %d is not in hexadecimal digits", i)
	}
	return hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
}

func (c *call) path(i int) (string, error) {
	b, err := c.bytes(i)
	return string(b), err
}
