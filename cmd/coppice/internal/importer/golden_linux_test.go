package importer

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/coppice-go/coppice/worker"
)

var rewrite = flag.Bool("rewrite", false, "rewrite what is expected")

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(code int) { worker.CloseIdle(); os.Exit(code) }),
		goleak.IgnoreTopFunction("github.com/coppice-go/coppice/worker.spawnThread"),
		goleak.IgnoreAnyFunction("github.com/coppice-go/coppice/worker/internal/poller.wait"))
}

const dir = "../../../../testdata/import"

// files are three of each format.
var files = map[Format][]string{
	PM2:            {"pm2/shop.json", "pm2/ecosystem.yml", "pm2/sleepers.json"},
	Supervisord:    {"supervisord/supervisord.conf", "supervisord/laravel.ini", "supervisord/sleepers.conf"},
	Procfile:       {"procfile/Procfile", "procfile/Procfile.dev", "procfile/sleepers.procfile"},
	ProcessCompose: {"process-compose/process-compose.yaml", "process-compose/tests.yaml", "process-compose/sleepers.yml"},
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Each file becomes the tree beside it, which the loader takes.
func TestGolden(t *testing.T) {
	for format, paths := range files {
		for _, p := range paths {
			t.Run(p, func(t *testing.T) {
				path := filepath.Join(dir, p)
				r, err := Import(path, read(t, path), Options{})
				if err != nil {
					t.Fatal(err)
				}
				if r.From != format {
					t.Errorf("it was taken for a file of %s", r.From)
				}
				if n := strings.Count(string(r.YAML), "not carried over"); n != r.Losses {
					t.Errorf("%d losses were counted, there are %d comments", r.Losses, n)
				}
				golden := path + ".tree.yaml"
				if *rewrite {
					if err := os.WriteFile(golden, r.YAML, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if d := cmp.Diff(string(read(t, golden)), string(r.YAML)); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				if _, err := Check(path, r); err != nil {
					t.Errorf("it is not valid: %v", err)
				}
			})
		}
	}
}
