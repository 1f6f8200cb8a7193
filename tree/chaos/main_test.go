package chaos_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// outsideTree is set on Linux: it is what a process of TestSupervisorFaults does.
var outsideTree func() int

func TestMain(m *testing.M) {
	if os.Getenv("CHAOS_OUTSIDE") != "" && outsideTree != nil {
		os.Exit(outsideTree())
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/coppice-go/coppice/worker.spawnThread"),
		goleak.IgnoreAnyFunction("github.com/coppice-go/coppice/worker/internal/poller.wait"))
}
