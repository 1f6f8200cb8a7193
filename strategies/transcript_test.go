package strategies

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

const transcripts = "../testdata/machine"

// TestTranscripts plays every script of testdata/machine to a Machine and
// compares what it decides with what the transcript says. The script language
// is described in testdata/machine/README.md; -rewrite updates the answers.
func TestTranscripts(t *testing.T) {
	for _, path := range transcriptFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			playTranscript(t, path)
		})
	}
}

func playTranscript(t *testing.T, path string) {
	s := &script{now: epoch}
	datadriven.RunTest(t, path, s.run)
}

// rulesIn returns the numbers of the rules that a text cites.
func rulesIn(text string) []string {
	return regexp.MustCompile(`\b[A-L][0-9]+\b`).FindAllString(text, -1)
}

// untold are the rules of SEMANTICS.md that no transcript tells, and why.
var untold = map[string]string{
	"A3": "start functions, and with them the key start, are the runner's affair",
	"B2": "a machine knows no other: depth first is the order in which the runner answers Started",
	"B4": "a machine knows no other: how reasons nest is the runner's affair",
	"B8": "a machine is made only once its supervisor has decided to run",
	"B9": "what a start returns besides success is the runner's affair",
	"G4": "a matter of several machines: see TestExplain and the recorded traces",
	"G5": "a matter of the root's owner",
	"H8": "a matter of the runner: it answers Exited whatever the child does",
}

// TestEveryRuleHasATranscript holds the rules that the files' first comments
// cite against the list of all rules.
func TestEveryRuleHasATranscript(t *testing.T) {
	cited := map[string]bool{}
	for _, path := range transcriptFiles(t) {
		for _, rule := range rulesIn(heading(t, path)) {
			cited[rule] = true
		}
	}
	semantics, err := os.ReadFile("../testdata/otp/SEMANTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(?m)^- \*\*([A-L][0-9]+)\*\*`).FindAllStringSubmatch(string(semantics), -1) {
		rule := found[1]
		why := untold[rule]
		switch {
		case !cited[rule] && why == "":
			t.Errorf("rule %s: no transcript cites it", rule)
		case cited[rule] && why != "":
			t.Errorf("rule %s: a transcript cites it, and it is listed as having none: %s", rule, why)
		}
		delete(cited, rule)
	}
	for rule := range cited {
		t.Errorf("rule %s: cited, but there is no such rule", rule)
	}
}

// The README says of every transcript where it belongs.
func TestEveryTranscriptIsListed(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(transcripts, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range transcriptFiles(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("README.md does not list %s", name)
		}
	}
}

func transcriptFiles(t *testing.T) []string {
	files, err := filepath.Glob(filepath.Join(transcripts, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no transcripts there (%v)", transcripts, err)
	}
	return files
}

// heading returns the comment with which a transcript begins.
func heading(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(b), "\n\n")
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			t.Fatalf("%s: begins with %q, not with a comment that says what it is about", path, line)
		}
	}
	return text
}

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
