package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-go/coppice/tree"
)

// TestErrors: what a tree answers has a code, and says what to do.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		code Code
		says string
	}{
		{tree.ErrNotFound, NotFound, ""},
		{fmt.Errorf("shop: %w", tree.ErrRestarting), Conflict, "about to be started"},
		{tree.ErrNotRunning, Conflict, "supervisor must run first"},
		{tree.ErrChildRunning, Conflict, "it runs already"},
		{tree.ErrDynamic, Unsupported, "can be stopped only"},
		{&tree.StartError{Path: "shop/db", Err: context.DeadlineExceeded}, Failed, "shop/db did not start"},
		{context.DeadlineExceeded, Timeout, "deadline"},
		{context.Canceled, Busy, "about to end"},
		{fmt.Errorf("signal: %w", errors.ErrUnsupported), Unsupported, "unsupported"},
		{errors.New("disk full"), Failed, "disk full"},
		{fmt.Errorf("wrapped: %w", &Error{Code: "odd", Message: "m", Hint: "h"}), "odd", "m; h"},
	} {
		if e := asError(c.err); e.Code != c.code || !strings.Contains(e.Error(), c.says) {
			t.Errorf("%v: %s: %v, want %s: … %s …", c.err, e.Code, e, c.code, c.says)
		}
	}
}
