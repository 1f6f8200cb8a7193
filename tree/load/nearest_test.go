package load_test

import (
	"fmt"
	"log"

	"github.com/coppice-go/coppice/tree/load"
)

func ExampleFile_Nearest() {
	f, err := load.Parse("shop.yaml", []byte(`
children:
  - {id: db, command: [postgres]}
  - id: web
    children: [{id: cache, command: [./cache]}]
`), load.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Name, len(f.Commands), "programs")
	fmt.Println(f.Nearest("cache"), f.Nearest("shop/bd"))
	// Output:
	// shop 2 programs
	// shop/web/cache shop/db
}
