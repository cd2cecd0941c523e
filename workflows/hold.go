package workflows

import (
	"context"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// LitigationHold keeps everything in the mailbox from being purged (Set-Mailbox -LitigationHoldEnabled). It needs
// Exchange Online Plan 2 or archiving, now and as long as it lasts, shared mailbox or not.
func LitigationHold(t Target) jobs.Step { return holdStep(t, true) }

// EndLitigationHold lets what was deleted in the mailbox be purged again (Set-Mailbox -LitigationHoldEnabled).
func EndLitigationHold(t Target) jobs.Step { return holdStep(t, false) }

const holdName = "litigation-hold"

func holdStep(t Target, on bool) jobs.Step {
	word := func(on bool) string { return map[bool]string{true: "on hold", false: "not on hold"}[on] }
	summary := "Put the mailbox on litigation hold"
	if !on {
		summary = "End the litigation hold"
	}
	s := setMailboxStep(t, holdName, summary, map[string]any{"LitigationHoldEnabled": on},
		func(m graphclient.Mailbox, _ bool) string { return word(m.LitigationHoldEnabled) }, word(on),
		func(b mailboxBefore) *jobs.Step { s := holdStep(t, b.Hold); return &s })
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || !c.Runs() {
			return c, err
		}
		if !on {
			c.Warnings = append(c.Warnings, "what was deleted while the mailbox was on hold may be purged once the hold ends")
			return c, nil
		}
		m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
		if err == nil && !holdLicensed(m) {
			c.Blockers = append(c.Blockers, "the mailbox of "+t.User.UserPrincipalName+" cannot be put on hold: that takes Exchange Online Plan 2 or archiving")
		}
		return c, err
	}
	return s
}

// holdCapabilities are what Get-Mailbox shows under PersistedCapabilities where a hold is licensed.
var holdCapabilities = []string{"EXCHANGE_S_ARCHIVE_ADDON", "BPOS_S_ArchiveAddOn", "EXCHANGE_S_ENTERPRISE", "BPOS_S_DlpAddOn", "BPOS_S_Enterprise"}

// holdLicensed says whether a mailbox may be put on hold. Where Exchange shows no capabilities at all, it is left to
// Exchange to refuse.
func holdLicensed(m graphclient.Mailbox) bool {
	return len(m.PersistedCapabilities) == 0 || slices.ContainsFunc(m.PersistedCapabilities, func(c string) bool {
		return slices.ContainsFunc(holdCapabilities, func(h string) bool { return strings.EqualFold(c, h) })
	})
}
