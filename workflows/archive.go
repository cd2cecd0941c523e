package workflows

import (
	"context"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const onlineArchive = "online-archive"

// Archive gives the mailbox an online archive, or takes it away (Enable-Mailbox, Disable-Mailbox -Archive).
func Archive(t Target, on bool) jobs.Step { return archiveStep(t, on, true) }

// archiveStep is Archive; judged: what stands against it stops the plan. A way back is not judged before: what does,
// such as a hold that came with the archive, may be gone when its turn comes.
func archiveStep(t Target, on, judged bool) jobs.Step {
	e := effect{
		name: onlineArchive, want: on,
		change: jobs.Change{Summary: "Enable the online archive", Before: "no archive", After: "archive"},
		there: func(ctx context.Context) (bool, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			return m.HasArchive(), err
		},
		back: func() jobs.Step { return archiveStep(t, !on, false) },
	}
	upn := t.User.UserPrincipalName
	if on {
		e.do = func(ctx context.Context) error { return t.Graph.EnableArchive(ctx, t.tid(), t.mailbox()) }
		e.judge = func(ctx context.Context, c *jobs.Change) error {
			has, err := t.hasPlan(ctx, largePlans)
			if err == nil && !has {
				c.Blockers = append(c.Blockers, "no licence of "+upn+" gives an online archive: that takes Exchange Online Plan 2 or archiving")
			}
			return err
		}
	} else {
		e.change.Summary, e.change.Before, e.change.After = "Disable the online archive", e.change.After, e.change.Before
		e.do = func(ctx context.Context) error { return t.Graph.DisableArchive(ctx, t.tid(), t.mailbox()) }
		e.judge = func(ctx context.Context, c *jobs.Change) error {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			if err != nil {
				return err
			}
			if m.Held() {
				c.Blockers = append(c.Blockers, "the mailbox of "+upn+" is on hold, and so is what is in the archive: have the hold ended first")
			}
			c.Warnings = append(c.Warnings, "Exchange keeps what is in the archive for 30 days; enabled again within them it comes back")
			return nil
		}
	}
	if !judged {
		e.judge = nil
	}
	return mailboxEffect(e)
}

// ExpandArchive lets the online archive grow beyond its quota (Enable-Mailbox -AutoExpandingArchive), for good. It comes
// after Archive, which says whether there is one, or can be.
func ExpandArchive(t Target) jobs.Step {
	e := effect{
		name: "auto-expanding-archive", want: true,
		change: jobs.Change{Summary: "Let the online archive grow beyond its quota", Before: "fixed size", After: "auto-expanding", NoWayBack: "Microsoft has no way back from an auto-expanding archive"},
		there: func(ctx context.Context) (bool, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			return m.AutoExpandingArchiveEnabled, err
		},
		do: func(ctx context.Context) error {
			return t.Graph.EnableAutoExpandingArchive(ctx, t.tid(), t.mailbox())
		},
	}
	s := mailboxEffect(e)
	s.Needs = []string{onlineArchive}
	return s
}

// mailboxEffect is a step on a mailbox, with nothing to do where there is none.
func mailboxEffect(e effect) jobs.Step {
	s := e.step()
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if graphclient.KindOf(err) == graphclient.NoMailbox {
			return jobs.Change{Summary: e.change.Summary, Target: e.change.Target, Nothing: withoutMailbox}, nil
		}
		return c, err
	}
	return s
}
