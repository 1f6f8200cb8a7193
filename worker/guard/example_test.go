package guard_test

import (
	"errors"
	"log"

	"github.com/coppice-go/coppice/worker/guard"
)

// The main function of a program that supervises processes.
func Example() {
	switch err := guard.Enter(); {
	case errors.Is(err, errors.ErrUnsupported):
		log.Printf("children may outlive this program: %v", err)
	case err != nil:
		log.Fatal(err)
	}
	// From here on this is the supervisor, under its guard.
}
