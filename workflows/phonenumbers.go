package workflows

import (
	"context"
	"slices"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// numberTime is how long Teams may take over an order for a telephone number.
const numberTime = 10 * time.Minute

// numbersFound are the leaver's telephone numbers as planning found them, or why a person has to look.
type numbersFound struct {
	Numbers []graphclient.NumberAssignment `json:"numbers,omitempty"`
	Hand    *jobs.Change                   `json:"hand,omitempty"`
}

// UnassignPhoneNumbers takes the leaver's Teams numbers, so that they are free for others, one step a number (POST
// …/numberAssignments/unassignNumber).
func UnassignPhoneNumbers(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	found, err := jobs.Found(ctx, run, "numbers", func(ctx context.Context) (f numbersFound, err error) {
		f.Numbers, err = t.Graph.TelephoneNumbersOf(ctx, t.tid(), t.User.ID)
		switch k := graphclient.KindOf(err); {
		case k == graphclient.NotLicensed:
			return f, nil
		case forbidden(err), k == graphclient.NotFound, k == graphclient.Invalid: // not every cloud has this service
			c := byHand("Take the telephone numbers of Teams", "in the Teams admin centre", err)
			return numbersFound{Hand: &c}, nil
		}
		return f, err
	})
	if err != nil {
		return nil, err
	}
	if found.Hand != nil {
		return []jobs.Step{{Name: "unassign-numbers", Class: jobs.Idempotent, Plan: func(context.Context, *jobs.Run) (jobs.Change, error) { return *found.Hand, nil }}}, nil
	}
	var steps []jobs.Step
	for _, n := range found.Numbers {
		steps = append(steps, numberStep(t, n, false))
	}
	return steps, nil
}

func numberStep(t Target, n graphclient.NumberAssignment, assign bool) jobs.Step {
	has := func(ctx context.Context) (bool, error) {
		now, err := t.Graph.TelephoneNumbersOf(ctx, t.tid(), t.User.ID)
		return slices.ContainsFunc(now, func(x graphclient.NumberAssignment) bool { return x.TelephoneNumber == n.TelephoneNumber }), err
	}
	e := effect{
		name: "unassign-number-" + n.ID, want: assign, known: !assign, there: has,
		change: jobs.Change{Summary: "Take the telephone number " + MaskPhone(n.TelephoneNumber), Target: n.ID, Before: "assigned", After: "free"},
		do: func(ctx context.Context) error {
			if mine, err := has(ctx); err != nil || !mine { // the order would take it from whoever has it by now
				return err
			}
			return t.Graph.UnassignNumber(ctx, t.tid(), n)
		},
	}
	if assign {
		e.change.Summary, e.change.Before, e.change.After = "Give the telephone number "+MaskPhone(n.TelephoneNumber)+" back", e.change.After, e.change.Before
		e.do = func(ctx context.Context) error { return t.Graph.AssignNumber(ctx, t.tid(), n) }
	} else {
		e.back = func() jobs.Step { return numberStep(t, n, true) }
	}
	s := e.step()
	s.Settle = numberTime
	return s
}
