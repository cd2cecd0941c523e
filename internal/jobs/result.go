package jobs

// The states a step can end in; the words are those of the result every write tool gives.
const (
	StateDone    = "done"
	StateFailed  = "failed"
	StateSkipped = "skipped" // a step it needs failed
	StateUnknown = "unknown" // nobody can tell whether it landed
	StateNothing = "nothingToDo"
	StateManual  = "manual_required"
	StatePending = "accepted" // Microsoft accepted it and is still at it
)

// StepResult is what became of one step.
type StepResult struct {
	Step    string `json:"step"`
	State   string `json:"state"`
	Summary string `json:"summary"`
	Detail  string `json:"detail,omitempty"`
}

// Ambiguity tells whether an error leaves open if the write landed; the caller injects it, since
// only the adapter to Microsoft knows.
type Ambiguity func(error) bool
