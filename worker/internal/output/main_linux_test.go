package output

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

// The test binary runs itself as the children: with roleVar set it plays the
// role that its arguments name.
const roleVar = "COPPICE_OUTPUT_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) != "" {
		play(os.Args[1], os.Args[2:])
		os.Exit(0)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/coppice-go/coppice/worker/internal/poller.wait"))
}

func play(role string, args []string) {
	arg := func(i int) int { n, _ := strconv.Atoi(args[i]); return n }
	switch role {
	case "flood": // BYTES WRITE-SIZE LINE-LENGTH
		flood(arg(0), arg(1), arg(2))
	}
}

// flood writes lines of the given length, newline included, so many bytes at a
// time.
func flood(total, write, length int) {
	text := append(bytes.Repeat([]byte("x"), length-1), '\n')
	text = bytes.Repeat(text, write/length+2)
	for at := 0; total > 0; at = (at + write) % length {
		n := min(write, total)
		if _, err := os.Stdout.Write(text[at : at+n]); err != nil {
			os.Exit(1)
		}
		total -= n
	}
}
