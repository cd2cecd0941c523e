package jobs

import (
	"reflect"
	"runtime"
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
	TestTheLoopBacksOffFromWhatFails,
	TestStoppingBetweenSteps,
	TestKillMatrix,
	TestKillSoak,
}

// TestContract holds the tests that are run on SQLite by their own names over the other stores too.
func TestContract(t *testing.T) {
	for _, kind := range []string{onPostgres} {
		t.Run(kind, func(t *testing.T) {
			for _, test := range contract {
				name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
				t.Run(name[strings.LastIndex(name, ".")+1:], test)
			}
		})
	}
}
