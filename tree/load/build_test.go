package load

import (
	"testing"

	"github.com/coppice-go/coppice/worker"
)

// A command that could not be prepared is prepared at the next start, and one that
// was is not again.
func TestPreparedOnceItCanBe(t *testing.T) {
	env := []string{"A"} // as a user that is not there yet
	start := incarnations(worker.Command{Path: "a", Env: env})
	for range 2 {
		if p, err := start(); p != nil || err == nil {
			t.Fatalf("it started with the environment %v", env)
		}
	}
	env[0] = "A=1"
	first, err := start()
	if err != nil {
		t.Fatal(err)
	}
	env[0] = "A"
	if second, err := start(); err != nil || second == first {
		t.Errorf("%v, or the same incarnation twice", err)
	}
}
