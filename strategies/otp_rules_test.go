package strategies_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Every rule of testdata/otp/SEMANTICS.md has a test that is named after it,
// TestOTP_<rule>_<what it says>: a small tree, a few steps, and what is seen at
// each, in the words that a scene understands.

// elsewhere are the rules that are about what starts, runs and ends, and not, or
// not only, about what is decided: their tests in package tree.
var elsewhere = map[string]string{
	"A3": "TestOTP_A3_IDAndStartAreMandatory",
	"B7": "TestOTP_B7_DeathDuringInitIsAStartError",
	"B8": "TestOTP_B8_AMakerThatSaysIgnore",
	"B9": "TestOTP_B9_MoreThanAStart",
	"G5": "TestOTP_G5_WhatTheRootsEndMeansIsUpToItsOwner",
	"H8": "TestOTP_H8_TerminationDoesNotNeedTheChild",
	"I9": "TestOTP_I9_CallsToADeadSupervisor",
}

var ruleTest = regexp.MustCompile(`^TestOTP_([^_/]*)`)

// TestEveryRuleIsTested holds the tests against the list of rules.
func TestEveryRuleIsTested(t *testing.T) {
	here, there := testsOfRules(t, "."), testsOfRules(t, "../tree")
	t.Run("rule without a test", func(t *testing.T) {
		for _, rule := range slices.Sorted(maps.Keys(rules())) {
			if len(here[rule]) == 0 && elsewhere[rule] == "" {
				t.Errorf("rule %s has no test: %s", rule, rules()[rule])
			}
		}
	})
	t.Run("test without a rule", func(t *testing.T) {
		for _, tests := range []map[string][]string{here, there} {
			for rule, names := range tests {
				if rules()[rule] == "" {
					t.Errorf("%v: there is no rule %s", names, rule)
				}
			}
		}
	})
	t.Run("elsewhere", func(t *testing.T) {
		for rule, name := range elsewhere {
			if !slices.Contains(there[rule], name) {
				t.Errorf("rule %s: package tree has no %s", rule, name)
			}
		}
	})
}

// rules reads the rules, by id.
var rules = sync.OnceValue(func() map[string]string {
	semantics, err := os.ReadFile("../testdata/otp/SEMANTICS.md")
	if err != nil {
		panic(err)
	}
	found := map[string]string{}
	for _, r := range regexp.MustCompile(`(?m)^- \*\*([A-Z]+[0-9]+)\*\* (.*(?:\n  .*)*)`).FindAllStringSubmatch(string(semantics), -1) {
		found[r[1]] = strings.Join(strings.Fields(r[2]), " ")
	}
	return found
})

// testsOfRules finds the tests in the files of a directory, by rule.
func testsOfRules(t *testing.T, dir string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", dir, err)
	}
	found := map[string][]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				if r := ruleTest.FindStringSubmatch(fn.Name.Name); r != nil {
					found[r[1]] = append(found[r[1]], fn.Name.Name)
				}
			}
		}
	}
	return found
}

// cite adds the rule that a test is about to its failure.
func cite(t *testing.T) {
	rule := ruleTest.FindStringSubmatch(t.Name())[1]
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("rule %s: %s", rule, rules()[rule])
		}
	})
}
