package jobs

import (
	"reflect"
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
	TestAZombieIsFencedOut,
	TestKeepIsFenced,
	TestNoCallIsMadeOnALapsedLease,
	TestTheHeartBeatsWhileACallIsOut,
	TestARunIsNotClaimedTwice,
	TestOneOfManyClaimsWins,
	TestTheDeadAreTakenOverFromAtOnce,
	TestAClockSetBackBeginsTheSettleTimeAnew,
	TestWhatIsKeptOutlivesTheProcess,
	TestVerifyHasWhatADeadProcessKept,
	TestTheLoopRunsWhatIsMadeHereAtOnce,
	TestAScheduledRunWaitsForItsTime,
	TestSeveralLoopsShareAFile,
	TestTheLoopTakesOverFromTheDead,
	TestStoppingBetweenSteps,
	TestKillMatrix,
	TestKillSoak,
}

// ofLoop is what only the claim loop promises so exactly.
var ofLoop = []func(*testing.T){TestTheLoopBacksOffFromWhatFails}

// TestContract holds the tests that are run on SQLite by their own names over the other stores too.
func TestContract(t *testing.T) {
	for kind, tests := range map[string][]func(*testing.T){onPostgres: slices.Concat(contract, ofLoop), onRiver: contract} {
		t.Run(kind, func(t *testing.T) {
			for _, test := range tests {
				name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
				t.Run(name[strings.LastIndex(name, ".")+1:], test)
			}
		})
	}
}
