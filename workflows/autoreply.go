package workflows

import (
	"context"
	"html"
	"regexp"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const outOfOffice = "out-of-office"

// OutOfOffice turns automatic replies on, with one text inside and outside
// (Set-MailboxAutoReplyConfiguration). The message is text: whatever looks like a tag is shown as it stands, so
// that nothing of it is lost, and nothing in it acts, at whoever gets the reply.
func OutOfOffice(t Target, message string) jobs.Step {
	text := ReplyText(message)
	s := autoReplyStep(t, outOfOffice, "Turn automatic replies on", graphclient.AutoReply{AutoReplyState: "Enabled", InternalMessage: text, ExternalMessage: text, ExternalAudience: "All"}, false)
	if !HasTags(message) {
		return s
	}
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err == nil && c.Runs() {
			c.Warnings = append(c.Warnings, "the automatic reply is sent as text: tags in it are shown as they stand")
		}
		return c, err
	}
	return s
}

// ReplyText is a text as the HTML that shows it as it stands.
func ReplyText(message string) string {
	return strings.ReplaceAll(html.EscapeString(message), "\n", "<br>")
}

// AutoReplies sets the automatic replies (Set-MailboxAutoReplyConfiguration). What is empty in want stays as it is in
// the mailbox; a state that sends replies needs a text.
func AutoReplies(t Target, want graphclient.AutoReply) jobs.Step {
	summary := map[string]string{"Enabled": "Turn automatic replies on", "Scheduled": "Schedule automatic replies", "Disabled": "Switch automatic replies off"}[want.AutoReplyState]
	s := autoReplyStep(t, outOfOffice, summary, want, false)
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || !c.Runs() || want.AutoReplyState == "Disabled" || want.InternalMessage != "" {
			return c, err
		}
		now, err := t.autoReply(ctx)
		if err == nil && PlainText(now.InternalMessage) == "" {
			c.Blockers = append(c.Blockers, "the mailbox of "+t.User.UserPrincipalName+" holds no text for automatic replies: give internalMessage")
		}
		return c, err
	}
	return s
}

// stopAutoReply switches automatic replies off; the texts stay in the mailbox.
func stopAutoReply(t Target) jobs.Step {
	return autoReplyStep(t, "stop-automatic-replies", "Switch automatic replies off", graphclient.AutoReply{AutoReplyState: "Disabled"}, false)
}

// autoReplyAgain brings the automatic replies back as they were, texts and audience with them.
func autoReplyAgain(t Target, name string, was graphclient.AutoReply) jobs.Step {
	return autoReplyStep(t, name, "Bring the automatic replies back as they were", was, true)
}

// autoReplyStep sets the automatic replies to what want names, or, exactly, to want.
func autoReplyStep(t Target, name, summary string, want graphclient.AutoReply, exactly bool) jobs.Step {
	same := func(wanted, now string) bool {
		return wanted == "" && !exactly || PlainText(wanted) == PlainText(now)
	}
	is := func(r graphclient.AutoReply) bool {
		return equalFold(r.AutoReplyState, want.AutoReplyState) && same(want.InternalMessage, r.InternalMessage) && same(want.ExternalMessage, r.ExternalMessage) &&
			(want.ExternalAudience == "" || equalFold(r.ExternalAudience, want.ExternalAudience)) &&
			(!equalFold(want.AutoReplyState, "Scheduled") || sameTime(want.StartTime, r.StartTime) && sameTime(want.EndTime, r.EndTime))
	}
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			r, err := t.autoReply(ctx)
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: summary, Nothing: withoutMailbox}, nil
			}
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: summary, Before: repliesInWords(r), After: repliesInWords(overReply(r, want))}
			if is(r) {
				c.Nothing = "it is so already"
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, t.autoReply); err != nil {
				return nil, err
			}
			if exactly {
				return nil, t.Graph.RestoreAutoReply(ctx, t.tid(), t.mailbox(), want)
			}
			return nil, t.Graph.SetAutoReply(ctx, t.tid(), t.mailbox(), want)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			r, err := t.autoReply(ctx)
			return is(r), err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was graphclient.AutoReply
			if !run.Before(name, &was) {
				return nil, nil
			}
			return undo(name, autoReplyAgain(t, name, was))
		},
	}
}

func (t Target) autoReply(ctx context.Context) (graphclient.AutoReply, error) {
	return t.Graph.AutoReply(ctx, t.tid(), t.mailbox())
}

// overReply is what the mailbox will have: want, and where it says nothing, what is there.
func overReply(now, want graphclient.AutoReply) graphclient.AutoReply {
	want.InternalMessage, want.ExternalMessage = firstOf(want.InternalMessage, now.InternalMessage), firstOf(want.ExternalMessage, now.ExternalMessage)
	want.ExternalAudience = firstOf(want.ExternalAudience, now.ExternalAudience)
	return want
}

// repliesInWords is the automatic replies for a plan: who gets which text, and when.
func repliesInWords(r graphclient.AutoReply) string {
	state := strings.ToLower(r.AutoReplyState)
	if state == "disabled" || state == "" {
		return "disabled"
	}
	if state == "scheduled" {
		state = "from " + stamp(r.StartTime) + " to " + stamp(r.EndTime)
	}
	in, out := jobs.Fence(PlainText(r.InternalMessage)), jobs.Fence(PlainText(r.ExternalMessage))
	audience := map[string]string{"none": "nobody outside", "known": "contacts outside", "all": "outside"}[strings.ToLower(r.ExternalAudience)]
	switch {
	case audience == "nobody outside":
		return state + ", inside only: " + in
	case in == out && audience == "outside":
		return state + ", inside and outside: " + in
	default:
		return state + ", inside: " + in + ", " + firstOf(audience, "outside") + ": " + out
	}
}

// sameTime compares to the second, which is what Exchange keeps. A time that was not given fits any.
func sameTime(want, now *time.Time) bool {
	return want == nil || now != nil && want.Unix() == now.Unix()
}

var tags = regexp.MustCompile(`<[^>]*>`)

// HasTags says whether a text holds what looks like HTML.
func HasTags(s string) bool { return tags.MatchString(s) }

// PlainText is what a person sees of a reply's HTML: Exchange wraps what it is given in a document.
func PlainText(s string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(s, " "))), " ")
}
