package nodeipc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	internalPrefix = "NODE_"
	handle         = "NODE_HANDLE"
)

// handleNack says that a handle did not arrive. Node's child waits for it, or
// for an acknowledgement, with all that it sends later.
var handleNack = json.RawMessage(`{"cmd":"NODE_HANDLE_NACK"}`)

// encode makes v the line that is written.
func encode(v any) ([]byte, error) {
	// Marshal writes no newline, also where v brings JSON of its own.
	line, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, err
	case string(line) == "null":
		return nil, errors.New("null is not a message")
	case len(line) > MaxMessage:
		return nil, fmt.Errorf("%w: %d", ErrTooLong, len(line))
	}
	return append(line, '\n'), nil
}

// internal returns the cmd of a message that is Node's own: an object whose cmd
// is a string that begins with NODE_ and is longer. All others are the user's,
// and for them it is empty.
func internal(m json.RawMessage) string {
	// Most messages need not be decoded to be seen to be the user's: a letter
	// is written as itself or as an escape that begins with \u.
	if !bytes.Contains(m, []byte(internalPrefix)) && !bytes.Contains(m, []byte(`\u`)) {
		return ""
	}
	// A struct would not do: it takes CMD for cmd.
	var object map[string]json.RawMessage
	var cmd string
	if json.Unmarshal(m, &object) != nil || json.Unmarshal(object["cmd"], &cmd) != nil ||
		!strings.HasPrefix(cmd, internalPrefix) || cmd == internalPrefix {
		return ""
	}
	return cmd
}
