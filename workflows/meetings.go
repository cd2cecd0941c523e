package workflows

import (
	"context"
	"fmt"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const (
	// meetingDays is how far ahead meetings are cancelled: two years, as Exchange's own example has it; more than
	// five it does not take.
	meetingDays = 730
	// meetingTime is how long Exchange may take over a queue of cancellations.
	meetingTime = 10 * time.Minute
	// enoughMeetings bounds the reading: more are counted as "more than".
	enoughMeetings = 500
)

// CancelMeetings cancels the meetings the leaver has called and tells those who were asked
// (Remove-CalendarEvents -CancelOrganizedMeetings). The mailbox must be able to send.
func CancelMeetings(t Target) jobs.Step {
	left := func(ctx context.Context, limit int) (int, error) {
		today := t.Clock.Now().Truncate(24 * time.Hour) // where the cmdlet begins
		found, err := t.Graph.MeetingsOrganised(ctx, t.tid(), t.User.ID, today, today.AddDate(0, 0, meetingDays), limit)
		return len(found), noMailbox(err)
	}
	const name = "cancel-meetings"
	return jobs.Step{
		Name: name, Class: jobs.Async, Settle: meetingTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			n, err := left(ctx, enoughMeetings)
			if graphclient.KindOf(err) == graphclient.OtherSignIn {
				return byHand("Cancel the meetings the leaver has called", "in Outlook or by Remove-CalendarEvents", err), nil
			}
			c := jobs.Change{Summary: "Cancel the meetings the leaver has called", Before: fmt.Sprintf("%d from today on", n), After: "cancelled, the others are told",
				NoWayBack: "cancelled meetings stay cancelled; a series goes as a whole"}
			if n == enoughMeetings {
				c.Before = "more than " + c.Before
			}
			if n == 0 {
				c.NoWayBack, c.Nothing = "", "there is no meeting to cancel"
			}
			return c, err
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			return nil, order(ctx, run, name, func() error { return t.Graph.CancelMeetings(ctx, t.tid(), t.mailbox(), meetingDays) })
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			n, err := left(ctx, 1)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case n == 0:
				return jobs.Done, nil
			default:
				return underWay(run, name), nil
			}
		},
	}
}
