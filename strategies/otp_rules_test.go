package strategies_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-go/coppice/strategies"
	"github.com/coppice-go/coppice/strategies/otptrace"
)

// One test for each rule of SEMANTICS.md, found by its number: it plays the
// transcripts that cite the rule, and replays the recorded traces that do. The
// rules about what only a live tree shows have theirs in package tree, too.

func TestOTP_A1_ChildDefaults(t *testing.T)                { rule(t, "A1") }
func TestOTP_A2_FlagDefaults(t *testing.T)                 { rule(t, "A2") }
func TestOTP_A4_RejectedValues(t *testing.T)               { rule(t, "A4") }
func TestOTP_A5_DuplicateID(t *testing.T)                  { rule(t, "A5") }
func TestOTP_A6_SignificantNeedsAutoShutdown(t *testing.T) { rule(t, "A6") }
func TestOTP_A7_RejectedFlags(t *testing.T)                { rule(t, "A7") }
func TestOTP_A8_OneTemplate(t *testing.T)                  { rule(t, "A8") }
func TestOTP_A9_CompleteSpec(t *testing.T)                 { rule(t, "A9") }
func TestOTP_A10_AllSpecsBeforeAnyChild(t *testing.T)      { rule(t, "A10") }
func TestOTP_B1_OneAtATimeInOrder(t *testing.T)            { rule(t, "B1") }
func TestOTP_B2_DepthFirst(t *testing.T)                   { rule(t, "B2") }
func TestOTP_B3_FailedBootRollsBack(t *testing.T)          { rule(t, "B3") }
func TestOTP_B4_ReasonsNest(t *testing.T)                  { rule(t, "B4") }
func TestOTP_B5_Ignore(t *testing.T)                       { rule(t, "B5") }
func TestOTP_B6_ARaiseIsAnError(t *testing.T)              { rule(t, "B6") }
func TestOTP_B7_DeathDuringInit(t *testing.T)              { rule(t, "B7") }
func TestOTP_B8_SupervisorSaysIgnore(t *testing.T)         { rule(t, "B8") }
func TestOTP_B9_StartedWithInfo(t *testing.T)              { rule(t, "B9") }
func TestOTP_B10_DiesDuringBoot(t *testing.T)              { rule(t, "B10") }
func TestOTP_C1_PermanentAlways(t *testing.T)              { rule(t, "C1") }
func TestOTP_C2_TransientWhenAbnormal(t *testing.T)        { rule(t, "C2") }
func TestOTP_C3_TemporaryNever(t *testing.T)               { rule(t, "C3") }
func TestOTP_C4_TemporaryRecordGoes(t *testing.T)          { rule(t, "C4") }
func TestOTP_C5_KilledIsAbnormal(t *testing.T)             { rule(t, "C5") }
func TestOTP_C6_StrangersAreIgnored(t *testing.T)          { rule(t, "C6") }
func TestOTP_D1_OneForOne(t *testing.T)                    { rule(t, "D1") }
func TestOTP_D2_OneForAll(t *testing.T)                    { rule(t, "D2") }
func TestOTP_D3_RestForOne(t *testing.T)                   { rule(t, "D3") }
func TestOTP_D4_TemporaryInAGroup(t *testing.T)            { rule(t, "D4") }
func TestOTP_D5_GroupStartsEveryRecord(t *testing.T)       { rule(t, "D5") }
func TestOTP_D6_NoRestartNoEffect(t *testing.T)            { rule(t, "D6") }
func TestOTP_D7_OrderNeverChanges(t *testing.T)            { rule(t, "D7") }
func TestOTP_D8_GroupIsUninterrupted(t *testing.T)         { rule(t, "D8") }
func TestOTP_D9_SiblingDiesByItself(t *testing.T)          { rule(t, "D9") }
func TestOTP_E1_FailedRestartIsRetried(t *testing.T)       { rule(t, "E1") }
func TestOTP_E2_NoDelay(t *testing.T)                      { rule(t, "E2") }
func TestOTP_E3_QueueIsServedBetweenAttempts(t *testing.T) { rule(t, "E3") }
func TestOTP_E4_TerminateCancelsTheRetry(t *testing.T)     { rule(t, "E4") }
func TestOTP_E5_StopBetweenAttempts(t *testing.T)          { rule(t, "E5") }
func TestOTP_E6_OneForAllStartFails(t *testing.T)          { rule(t, "E6") }
func TestOTP_E7_RestForOneStartFails(t *testing.T)         { rule(t, "E7") }
func TestOTP_E8_StaleRetry(t *testing.T)                   { rule(t, "E8") }
func TestOTP_E9_IgnoredRestart(t *testing.T)               { rule(t, "E9") }
func TestOTP_E10_FailuresAreAlike(t *testing.T)            { rule(t, "E10") }
func TestOTP_E11_SupervisorFailsToRestart(t *testing.T)    { rule(t, "E11") }
func TestOTP_F1_MaxRestarts(t *testing.T)                  { rule(t, "F1") }
func TestOTP_F2_WhatIsCounted(t *testing.T)                { rule(t, "F2") }
func TestOTP_F3_IntensityZero(t *testing.T)                { rule(t, "F3") }
func TestOTP_F4_Window(t *testing.T)                       { rule(t, "F4") }
func TestOTP_F5_OneCounter(t *testing.T)                   { rule(t, "F5") }
func TestOTP_F6_WhatIsNotCounted(t *testing.T)             { rule(t, "F6") }
func TestOTP_F7_GivingUp(t *testing.T)                     { rule(t, "F7") }
func TestOTP_F8_EmptyHistory(t *testing.T)                 { rule(t, "F8") }
func TestOTP_G1_PermanentSupervisor(t *testing.T)          { rule(t, "G1") }
func TestOTP_G2_TransientSupervisor(t *testing.T)          { rule(t, "G2") }
func TestOTP_G3_TemporarySupervisor(t *testing.T)          { rule(t, "G3") }
func TestOTP_G4_LevelByLevel(t *testing.T)                 { rule(t, "G4") }
func TestOTP_G5_RootEnds(t *testing.T)                     { rule(t, "G5") }
func TestOTP_G6_InitialSpecs(t *testing.T)                 { rule(t, "G6") }
func TestOTP_G7_StoppedByAThirdParty(t *testing.T)         { rule(t, "G7") }
func TestOTP_H1_LastFirst(t *testing.T)                    { rule(t, "H1") }
func TestOTP_H2_BrutalKill(t *testing.T)                   { rule(t, "H2") }
func TestOTP_H3_Timeout(t *testing.T)                      { rule(t, "H3") }
func TestOTP_H4_Infinity(t *testing.T)                     { rule(t, "H4") }
func TestOTP_H5_ShutdownError(t *testing.T)                { rule(t, "H5") }
func TestOTP_H6_SupervisorStopsItsSubtree(t *testing.T)    { rule(t, "H6") }
func TestOTP_H7_FoundDead(t *testing.T)                    { rule(t, "H7") }
func TestOTP_H9_OwnReason(t *testing.T)                    { rule(t, "H9") }
func TestOTP_I1_StartChild(t *testing.T)                   { rule(t, "I1") }
func TestOTP_I2_NotFound(t *testing.T)                     { rule(t, "I2") }
func TestOTP_I3_RestartChild(t *testing.T)                 { rule(t, "I3") }
func TestOTP_I4_TerminateChild(t *testing.T)               { rule(t, "I4") }
func TestOTP_I5_DeleteChild(t *testing.T)                  { rule(t, "I5") }
func TestOTP_I6_WhichChildren(t *testing.T)                { rule(t, "I6") }
func TestOTP_I7_CountChildren(t *testing.T)                { rule(t, "I7") }
func TestOTP_I8_GetChildSpec(t *testing.T)                 { rule(t, "I8") }
func TestOTP_I9_DeadSupervisor(t *testing.T)               { rule(t, "I9") }
func TestOTP_J1_StartsEmpty(t *testing.T)                  { rule(t, "J1") }
func TestOTP_J2_StartInstance(t *testing.T)                { rule(t, "J2") }
func TestOTP_J3_RestartedOneByOne(t *testing.T)            { rule(t, "J3") }
func TestOTP_J4_NoCallsByID(t *testing.T)                  { rule(t, "J4") }
func TestOTP_J5_TerminateInstance(t *testing.T)            { rule(t, "J5") }
func TestOTP_J6_FailingRestart(t *testing.T)               { rule(t, "J6") }
func TestOTP_J7_ParallelStop(t *testing.T)                 { rule(t, "J7") }
func TestOTP_J8_SupervisorTemplate(t *testing.T)           { rule(t, "J8") }
func TestOTP_J9_InstancesAreLost(t *testing.T)             { rule(t, "J9") }
func TestOTP_J10_NoProgressReport(t *testing.T)            { rule(t, "J10") }
func TestOTP_J11_IgnoredRestartIsRemoved(t *testing.T)     { rule(t, "J11") }
func TestOTP_K1_Never(t *testing.T)                        { rule(t, "K1") }
func TestOTP_K2_AnySignificant(t *testing.T)               { rule(t, "K2") }
func TestOTP_K3_AllSignificant(t *testing.T)               { rule(t, "K3") }
func TestOTP_K4_OthersDoNotCount(t *testing.T)             { rule(t, "K4") }
func TestOTP_K5_TerminateDoesNotTrigger(t *testing.T)      { rule(t, "K5") }
func TestOTP_K6_GroupDoesNotTrigger(t *testing.T)          { rule(t, "K6") }
func TestOTP_K7_DynamicSignificant(t *testing.T)           { rule(t, "K7") }
func TestOTP_K8_ClimbsToTheParent(t *testing.T)            { rule(t, "K8") }
func TestOTP_K9_NoReport(t *testing.T)                     { rule(t, "K9") }
func TestOTP_L1_ChildTerminated(t *testing.T)              { rule(t, "L1") }
func TestOTP_L2_StartError(t *testing.T)                   { rule(t, "L2") }
func TestOTP_L3_ShutdownError(t *testing.T)                { rule(t, "L3") }
func TestOTP_L4_Shutdown(t *testing.T)                     { rule(t, "L4") }
func TestOTP_L5_Progress(t *testing.T)                     { rule(t, "L5") }
func TestOTP_L6_RetryReportsOnce(t *testing.T)             { rule(t, "L6") }

var recorded = sync.OnceValues(func() ([]otptrace.File, error) { return otptrace.Load("../testdata/otp") })

// rule tests everything that there is about a rule.
func rule(t *testing.T, id string) {
	t.Helper()
	tests := 0
	for _, path := range strategies.TranscriptsOf(t, id) {
		tests++
		t.Run("transcript "+filepath.Base(path), func(t *testing.T) { strategies.PlayTranscript(t, path) })
	}
	files, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(f.Rules, id) || f.Unsayable() != "" {
			continue
		}
		tests++
		t.Run("trace "+f.Name, func(t *testing.T) { replay(t, &f) })
	}
	if tests == 0 {
		t.Errorf("nothing tests rule %s", id)
	}
}

// TestEveryRuleIsTested holds the names of the tests against the list of rules.
func TestEveryRuleIsTested(t *testing.T) {
	semantics, err := os.ReadFile("../testdata/otp/SEMANTICS.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, found := range regexp.MustCompile(`(?m)^- \*\*([A-L][0-9]+)\*\*`).FindAllStringSubmatch(string(semantics), -1) {
		rules = append(rules, found[1])
	}
	tested := map[string]bool{}
	for _, dir := range []string{".", "../tree"} {
		for _, id := range rulesTested(t, dir) {
			tested[id] = true
			if !slices.Contains(rules, id) {
				t.Errorf("%s: a test of rule %s, and there is no such rule", dir, id)
			}
		}
	}
	for _, id := range rules {
		if !tested[id] {
			t.Errorf("rule %s has no test", id)
		}
	}
	t.Logf("%d of %d rules have a test of their own", len(tested), len(rules))
}

// rulesTested returns the rules that the tests of a package are named after.
func rulesTested(t *testing.T, dir string) []string {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if rest, ok := strings.CutPrefix(fn.Name.Name, "TestOTP_"); ok {
				id, _, _ := strings.Cut(rest, "_")
				ids = append(ids, id)
			}
		}
	}
	return ids
}
