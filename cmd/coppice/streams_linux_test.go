package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coppice-go/coppice/cmd/coppice/internal/exit"
	"github.com/coppice-go/coppice/tree/control/record"
)

func seq(n uint64) string { return strconv.FormatUint(n, 10) }

// follow runs a command that follows a stream, in a process of its own, and
// returns its output. It must end, without error, by the end of the test.
func follow(t *testing.T, args ...string) io.Reader {
	t.Helper()
	cmd, r := streamOf(t, args...)
	t.Cleanup(func() {
		if t.Failed() { // nobody else may end it
			_ = cmd.Process.Kill()
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	})
	return r
}

// followUntil is follow of a stream that is cut off at the end of the test.
func followUntil(t *testing.T, args ...string) io.Reader {
	t.Helper()
	cmd, r := streamOf(t, args...)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return r
}

func streamOf(t *testing.T, args ...string) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := coppice(t, args...)
	cmd.Stderr = os.Stderr
	r, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, r
}

func (s *shop) write(path string, incarnation uint64, text string) {
	s.Book.Line(record.Line{Time: time.Now(), Path: path, Incarnation: incarnation, Stream: "stdout", Text: text})
}

func TestLogs(t *testing.T) {
	s := startShop(t)
	s.write("shop/web/cache", 1, "warming")
	s.write("shop/db", 1, "listening")
	s.crash(t, s.cache, "out of cheese")
	s.write("shop/web/cache", 2, "warming again")
	diffText(t, `
TIME  shop/db  stdout| listening
TIME  shop/web/cache  stdout| warming again
`, stable(stdoutOf(t, "logs")))
	diffText(t, "TIME  shop/web/cache  stdout| warming again\n", stable(stdoutOf(t, "logs", "shop/web")))
	diffText(t, "TIME  shop/web/cache  stdout| warming again\n", stable(stdoutOf(t, "logs", "--tail", "1")))
	diffText(t, "TIME  shop/web/cache  stdout| warming\n", stable(stdoutOf(t, "logs", "--previous", "shop/web/cache")))
	diffText(t, "", stdoutOf(t, "logs", "--tail", "0"))
	got := jsonLines[record.Line](t, stdoutOf(t, "logs", "-o", "json", "shop/db"))
	if len(got) != 1 || got[0].Text != "listening" || got[0].Path != "shop/db" {
		t.Errorf("%+v", got)
	}
	refusedWith(t, exit.Usage, "did you mean shop/db?", "logs", "shop/bd")
}

// A stream that is followed tells when another incarnation writes.
func TestLogsFollow(t *testing.T) {
	s := startShop(t)
	for i := range 12 {
		s.write("shop/web/cache", 1, "line "+strconv.Itoa(i))
	}
	pipe := follow(t, "logs", "-f", "shop/web")
	lines := bufio.NewScanner(pipe)
	read := func(n int) string {
		var text strings.Builder
		for range n {
			if !lines.Scan() {
				t.Fatalf("the stream ended: %v", lines.Err())
			}
			text.WriteString(stable(lines.Text()) + "\n")
		}
		return text.String()
	}
	if got := read(tailFollowed); !strings.HasPrefix(got, "TIME  shop/web/cache  stdout| line 2\n") {
		t.Error(got)
	}
	s.crash(t, s.cache, "out of cheese")
	s.write("shop/web/cache", 2, "warming again")
	diffText(t, `
--- shop/web/cache: incarnation 2, after 1
TIME  shop/web/cache  stdout| warming again
`, read(2))
	if err := s.Server.Close(); err != nil {
		t.Fatal(err)
	}
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("after the end: %q, %v", lines.Text(), lines.Err())
	}
}
