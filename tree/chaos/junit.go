package chaos

import (
	"encoding/xml"
	"fmt"
	"io"

	"github.com/coppice-go/coppice/tree/chaos/check"
)

type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	Failure *junitSay `xml:"failure,omitempty"`
	Skipped *junitSay `xml:"skipped,omitempty"`
}

type junitSay struct {
	Message string `xml:"message,attr"`
}

// JUnit writes the verdicts as JUnit's XML: a case for each invariant and for each
// thing that the plan wants.
func (j *Journal) JUnit(w io.Writer) error {
	s := junitSuite{Name: "chaos", Time: fmt.Sprintf("%.3f", j.Duration), Timestamp: j.Start.UTC().Format("2006-01-02T15:04:05")}
	if j.Title != "" {
		s.Name = j.Title
	}
	for _, r := range j.Invariants.Results {
		c := junitCase{Class: "invariants", Name: fmt.Sprintf("%d %s", r.Number, r.Name)}
		switch r.Verdict {
		case check.Violated:
			c.Failure = &junitSay{r.Violation.Error()}
		case check.NotChecked:
			c.Skipped = &junitSay{r.Why}
		}
		s.add(c)
	}
	for _, p := range j.Probes() {
		c := junitCase{Class: "steady", Name: fmt.Sprintf("%s (%s)", p.Name, p.Mode)}
		if !p.Met {
			c.Failure = &junitSay{p.Message}
		}
		s.add(c)
	}
	for _, what := range j.Heal {
		s.add(junitCase{Class: "heal", Name: "everything is lifted", Failure: &junitSay{what}})
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", " ")
	if err := e.Encode(junitSuites{Suite: s}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}
