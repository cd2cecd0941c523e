package jobs

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const contractName = "TestContract"

// contract is what a ledger has to keep wherever it lies, and whatever hands its runs out.
var contract = []func(*testing.T){
	TestAChangeHappensWholeOrNotAtAll,
	TestANewerLedgerIsRefused,
	TestTheAuditTellsWhatWasChanged,
	TestTheAuditOfOneRun,
	TestTheChainHasNoGap,
	TestWhatCannotBeAuditedDoesNotHappen,
	TestAttemptsAreNotRewritten,
	TestSixProcessesStartAtOnceOnNothing,
	TestEveryClassAtEveryPoint,
	TestAnAnsweredStepIsOnlyLookedAfter,
	TestTheEndsOfReadingBack,
	TestHostileWordsAreKept,
	TestAPanicInACallIsAmbiguous,
	TestTheIntentIsWrittenBeforeTheCallAndAllOfItIsAudited,
	TestAFailureLeavesOthersAlone,
	TestAThrottledCallWaits,
	TestRandomCrashes,
	TestCancelBetweenSteps,
	TestACancelledRunRepeatsNothing,
	TestACancelThatComesBeforeTheIntentStopsTheCall,
	TestAScheduledRunIsCancelledAtOnce,
	TestRetry,
	TestResolve,
	TestARunThatIsTooLateAsks,
	TestStepsThatCannotBeRebuilt,
	TestOneRunOfAKindOnASubject,
	TestAParentEndsWithItsChildren,
	TestACancelReachesAllThatIsBelow,
	TestAParentIsRetriedForItsChildrenAlone,
	TestAZombieIsFencedOut,
	TestKeepIsFenced,
	TestNoCallIsMadeOnALapsedLease,
	TestTheHeartBeatsWhileACallIsOut,
	TestARunIsNotClaimedTwice,
	TestOneOfManyClaimsWins,
	TestTheDeadAreTakenOverFromAtOnce,
	TestAClockSetBackBeginsTheSettleTimeAnew,
	TestAClockThatJumpsAhead,
	TestWhatIsKeptOutlivesTheProcess,
	TestVerifyHasWhatADeadProcessKept,
	TestTheLoopRunsWhatIsMadeHereAtOnce,
	TestAScheduledRunWaitsForItsTime,
	TestSeveralLoopsShareAFile,
	TestTheLoopTakesOverFromTheDead,
	TestStoppingBetweenSteps,
	TestARefusalBecauseAnEarlierCallLanded,
	TestAHeldRunWaitsForItsApproval,
	TestAGrantIsUsedUp,
	TestAFreezeStopsTheNextCall,
	TestAJobWithAnothersValuesDoesNothing,
	TestOneRunForOneCall,
	TestKillMatrix,
	TestKillSoak,
}

// ofLoop is what only the claim loop promises so exactly.
var ofLoop = []func(*testing.T){TestTheLoopBacksOffFromWhatFails}

// elsewhere are tests of one store or dispatcher, and those that go through the kinds themselves.
var elsewhere = []func(*testing.T){
	TestTheStoreIsOpenedWithTheSettingsThatMakeItSafe, TestNoIntentNoCall,
	TestAnOldLedgerIsFinished,
	TestLeasesGoByTheServersClock, TestAnotherMachinesProcessIsNotTakenForDead, TestAChangeThatFallsAsleepIsThrownOut,
	TestRiverNeedsPostgreSQL, TestANudgeIsInTheTransactionOfItsRun, TestTheSweepNudgesWhatIsForgotten, TestANudgeInVainIsForgotten,
	TestRiverBacksOffFromWhatFails, TestARunGoesOnAfterItsSlice, TestRiversTroublesAreTold,
	TestAProcessThatSleptPastItsLease, TestAFullDisk, TestTheServerIsRestartedMidRun,
}

func nameOf(test func(*testing.T)) string {
	name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}

// A test of a ledger that is in neither list was forgotten.
func TestTheContractIsWhole(t *testing.T) {
	listed := map[string]bool{}
	for _, test := range slices.Concat(contract, ofLoop, elsewhere) {
		listed[nameOf(test)] = true
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if file == "contract_test.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatchIndex(string(text), -1)
		for i, at := range tests {
			end := len(text)
			if i+1 < len(tests) {
				end = tests[i+1][0]
			}
			name, body := string(text[at[2]:at[3]]), string(text[at[0]:end])
			if !strings.Contains(body, "newBench(") && !strings.Contains(body, "newPlace(") && !strings.Contains(body, "riverBench(") {
				continue
			}
			if found++; !listed[name] {
				t.Errorf("%s is part of the contract, or it is not: %s does not say", name, "contract_test.go")
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d tests of a ledger were found", found)
	}
}

// TestContract holds the tests that are run on SQLite by their own names over the other stores too.
func TestContract(t *testing.T) {
	t.Parallel() // after the tests of SQLite, whose random ones are cheaper
	if err := flag.Set("rapid.checks", "15"); err != nil {
		t.Fatal(err)
	}
	for kind, tests := range map[string][]func(*testing.T){onPostgres: slices.Concat(contract, ofLoop), onRiver: contract} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for _, test := range tests {
				t.Run(nameOf(test), test)
			}
		})
	}
}
