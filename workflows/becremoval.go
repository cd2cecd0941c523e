package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/workflows/bec"
)

// ruleStep switches one inbox rule off or on (Disable-InboxRule, Enable-InboxRule): the rule stays as evidence. The
// cmdlets may cost rules that only Outlook on a desktop can handle.
func ruleStep(t Target, r graphclient.InboxRule, enabled bool) jobs.Step {
	what := "rule " + jobs.Fence(shortened(r.Name))
	if r.Hidden {
		what = "hidden " + what
	}
	verb, before, after := "Disable the inbox ", "enabled", "disabled"
	if enabled {
		verb, before, after = "Enable the inbox ", after, before
	}
	e := effect{
		name: "disable-rule-" + ruleNumber(r), want: enabled,
		change: jobs.Change{Summary: verb + what + forwardsTo(r), Target: r.Identity, Before: before, After: after, Warnings: []string{"rules that only Outlook on a desktop can handle may be lost when a rule is changed from here"}},
		there: func(ctx context.Context) (bool, error) {
			rules, err := t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
			return slices.ContainsFunc(rules, func(x graphclient.InboxRule) bool { return x.Identity == r.Identity && x.Enabled }), noMailbox(err)
		},
		do: func(ctx context.Context) error {
			if enabled {
				return t.Graph.EnableInboxRule(ctx, t.tid(), t.mailbox(), r.Identity)
			}
			return passing(t.Graph.DisableInboxRule(ctx, t.tid(), t.mailbox(), r.Identity), graphclient.NotFound)
		},
	}
	if !enabled {
		e.back = func() jobs.Step { return ruleStep(t, r, true) }
	}
	return e.step()
}

// RemoveRule deletes one inbox rule by its identity or number (Remove-InboxRule); its every property is kept first.
func RemoveRule(ctx context.Context, t Target, run *jobs.Run, rule string) (*jobs.Step, error) {
	rules, err := jobs.Found(ctx, run, "rules", func(ctx context.Context) ([]graphclient.InboxRule, error) {
		return t.Graph.InboxRules(ctx, t.tid(), t.mailbox())
	})
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if equalFold(r.Identity, rule) || ruleNumber(r) == rule || last(r.Identity) == last(rule) {
			s := removeRule(t, r)
			return &s, nil
		}
	}
	return nil, nil
}

func removeSweep(t Target, r graphclient.SweepRule) jobs.Step {
	return effect{
		name: "remove-sweep-rule-" + last(firstOf(r.RuleID, r.Identity)), want: false, known: true,
		change: jobs.Change{Summary: "Delete the sweep rule " + jobs.Fence(shortened(r.Name)) + " for mail of " + jobs.Fence(shortened(r.Sender)), Target: r.Identity, Before: "there", After: "deleted",
			NoWayBack: "a sweep rule is made again by hand; the case holds every property of it"},
		there: func(ctx context.Context) (bool, error) {
			now, err := t.Graph.SweepRules(ctx, t.tid(), t.mailbox())
			return slices.ContainsFunc(now, func(x graphclient.SweepRule) bool { return x.Identity == r.Identity }), noMailbox(err)
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.RemoveSweepRule(ctx, t.tid(), t.mailbox(), r.Identity), graphclient.NotFound)
		},
	}.step()
}

func endPartnership(t Target, d graphclient.MobileDevice) jobs.Step {
	return effect{
		name: "remove-mobile-" + d.GUID, want: false, known: true,
		change: jobs.Change{Summary: "End the mailbox's partnership with the device " + jobs.Fence(shortened(firstOf(d.FriendlyName, d.DeviceModel, d.DeviceID))), Target: d.GUID,
			Before: "synchronises", After: "removed", NoWayBack: "the person sets the mailbox up on the device again"},
		there: func(ctx context.Context) (bool, error) {
			now, err := t.Graph.MobileDevices(ctx, t.tid(), t.mailbox())
			return slices.ContainsFunc(now, func(x graphclient.MobileDevice) bool { return x.GUID == d.GUID }), noMailbox(err)
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.RemoveMobileDevice(ctx, t.tid(), t.mailbox(), firstOf(d.GUID, d.Identity)), graphclient.NotFound)
		},
	}.step()
}

// servicePrincipalStep lets nobody of the tenant sign in to an application any more. The object stays: deleted, it
// could be consented to again.
func servicePrincipalStep(t Target, id, name string, enabled bool) jobs.Step {
	verb, before, after := "Disable the application ", "enabled", "disabled"
	if enabled {
		verb, before, after = "Enable the application ", after, before
	}
	app := jobs.Fence(shortened(firstOf(name, id)))
	e := effect{
		name: "disable-app-" + id, want: enabled,
		change: jobs.Change{Summary: verb + app + " for the whole tenant", Target: id, Before: before, After: after},
		there: func(ctx context.Context) (bool, error) {
			now, err := t.Graph.ServicePrincipals(ctx, t.tid(), []string{id})
			sp, ok := now[id]
			return ok && (sp.AccountEnabled == nil || *sp.AccountEnabled), err
		},
		do: func(ctx context.Context) error { return t.Graph.SetServicePrincipalEnabled(ctx, t.tid(), id, enabled) },
	}
	if !enabled {
		e.change.Critical = "an application is switched off for everybody in the tenant (" + app + ")"
		e.back = func() jobs.Step { return servicePrincipalStep(t, id, name, true) }
	}
	return e.step()
}

// stopForwarding ends both kinds of forwarding (Set-Mailbox).
func stopForwarding(t Target) jobs.Step {
	const none = "not forwarded"
	read := func(m graphclient.Mailbox, _ bool) string {
		var to []string
		for _, a := range []string{m.ForwardingAddress, m.ForwardingSMTPAddress} {
			if a != "" {
				to = append(to, jobs.Fence(a))
			}
		}
		if len(to) == 0 {
			return none
		}
		return "to " + strings.Join(to, " and ")
	}
	return setMailboxStep(t, "stop-forwarding", "Stop forwarding mail", map[string]any{"ForwardingAddress": nil, "ForwardingSmtpAddress": nil, "DeliverToMailboxAndForward": false}, read, none,
		func(b mailboxBefore) *jobs.Step { s := forwardAgain(t, b); return &s })
}

// ForwardTo forwards mail to an address or a recipient (Set-Mailbox), or stops it for "".
func ForwardTo(t Target, address string, keepCopy bool) jobs.Step {
	if address == "" {
		return stopForwarding(t)
	}
	after := "to " + jobs.Fence(address)
	read := func(m graphclient.Mailbox, _ bool) string {
		if equalFold(m.ForwardingSMTPAddress, address) && m.ForwardingAddress == "" && m.DeliverToMailboxAndForward == keepCopy {
			return after
		}
		if m.ForwardingAddress == "" && m.ForwardingSMTPAddress == "" {
			return "not forwarded"
		}
		return "to " + jobs.Fence(firstOf(m.ForwardingAddress, m.ForwardingSMTPAddress))
	}
	return setMailboxStep(t, "forward", "Forward mail to "+jobs.Fence(address), map[string]any{"ForwardingAddress": nil, "ForwardingSmtpAddress": address, "DeliverToMailboxAndForward": keepCopy}, read, after,
		func(b mailboxBefore) *jobs.Step { s := forwardAgain(t, b); return &s })
}

// unblockSender lets the user send again after Microsoft stopped him (Remove-BlockedSenderAddress). Microsoft allows
// only a few of these: it comes last, when nothing of the attacker is left.
func unblockSender(t Target) jobs.Step {
	address := firstOf(t.User.Mail, t.User.UserPrincipalName)
	return effect{
		name: "unblock-sender", want: false,
		change: jobs.Change{Summary: "Let the user send mail again", Before: "blocked for sending spam", After: "not blocked", NoWayBack: "Microsoft blocks a sender by itself, nobody else does"},
		there: func(ctx context.Context) (bool, error) {
			rows, err := t.Graph.BlockedSenders(ctx, t.tid(), address)
			return len(rows) > 0, err
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.RemoveBlockedSender(ctx, t.tid(), address), graphclient.NotFound)
		},
	}.step()
}

// bar stands between the parts of a target that has no id of its own.
const bar = "|"

// folderRight takes one right on one folder away; the target is the folder as Exchange names it, a bar, and who has
// the right.
func folderRight(t Target, b bec.Step) jobs.Step {
	folder, who, known := strings.Cut(b.TargetID, bar)
	if !known {
		return manualStep(b, "the right is not known by its folder and holder; take it away in Outlook")
	}
	find := func(ctx context.Context) (*graphclient.CalendarPermission, error) {
		p, err := t.Graph.CalendarPermissionOf(ctx, t.tid(), folder, who)
		if isGone(err) {
			return nil, nil
		}
		return p, err
	}
	return effect{
		name: "remove-folder-right-" + b.ID, want: false,
		change: jobs.Change{Summary: fmt.Sprintf("Take from %s what he may do in the folder %s", jobs.Fence(shortened(who)), jobs.Fence(shortened(folder))), Target: b.TargetID, Before: "granted", After: "not granted",
			NoWayBack: "the case holds the right as it was; give it again by hand where it was meant"},
		there: func(ctx context.Context) (bool, error) { p, err := find(ctx); return p != nil, err },
		do: func(ctx context.Context) error {
			return passing(t.Graph.RemoveFolderPermission(ctx, t.tid(), t.mailbox(), folder, who), graphclient.NotMember, graphclient.NotFound)
		},
	}.step()
}

// junkEntry takes one entry out of the lists of trusted and blocked senders; the rest stays.
func junkEntry(t Target, b bec.Step) jobs.Step {
	_, entry, known := strings.Cut(b.TargetID, bar)
	if !known {
		return manualStep(b, "which entries are the attacker's is not known; look at the lists in Outlook")
	}
	list := func(j graphclient.JunkConfig, name string) []string {
		if name == "trusted" {
			return j.TrustedSendersAndDomains
		}
		return j.BlockedSendersAndDomains
	}
	has := func(l []string) bool {
		return slices.ContainsFunc(l, func(x string) bool { return equalFold(x, entry) })
	}
	return effect{
		name: "restore-junk-list-" + b.ID, want: false,
		change: jobs.Change{Summary: "Take " + jobs.Fence(shortened(entry)) + " out of the lists of trusted and blocked senders", Target: b.TargetID, Before: "listed", After: "not listed", NoWayBack: "the user puts it on the list again where it was meant"},
		there: func(ctx context.Context) (bool, error) {
			j, err := t.Graph.JunkConfig(ctx, t.tid(), t.mailbox())
			return has(list(j, "trusted")) || has(list(j, "blocked")), noMailbox(err)
		},
		do: func(ctx context.Context) error {
			j, err := t.Graph.JunkConfig(ctx, t.tid(), t.mailbox())
			if err != nil {
				return err
			}
			params := map[string]any{}
			for name, l := range map[string][]string{"TrustedSendersAndDomains": j.TrustedSendersAndDomains, "BlockedSendersAndDomains": j.BlockedSendersAndDomains} {
				if has(l) {
					params[name] = slices.DeleteFunc(slices.Clone(l), func(x string) bool { return equalFold(x, entry) })
				}
			}
			if len(params) == 0 {
				return nil
			}
			return t.Graph.SetJunkConfig(ctx, t.tid(), t.mailbox(), params)
		},
	}.step()
}

// sharingLink takes one way to a file of the user's OneDrive away; the target is the file, a bar, and the permission.
func sharingLink(t Target, drive string, b bec.Step) jobs.Step {
	item, permission, known := strings.Cut(b.TargetID, bar)
	if !known || drive == "" {
		return manualStep(b, "the link is not known by its id; look it up in the audit log and remove it in OneDrive")
	}
	part := []string{drive, item, permission}
	return effect{
		name: "remove-sharing-" + b.ID, want: false,
		change: jobs.Change{Summary: "Close the shared link to " + jobs.Fence(shortened(firstOf(b.TargetName, part[1]))), Target: b.TargetID, Before: "open", After: "closed", NoWayBack: "share the file again where it was meant"},
		there: func(ctx context.Context) (bool, error) {
			now, err := t.Graph.DriveItemPermissions(ctx, t.tid(), part[0], part[1])
			if isGone(err) {
				return false, nil
			}
			return slices.ContainsFunc(now, func(p graphclient.ItemPermission) bool { return p.ID == part[2] }), err
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.DeleteDriveItemPermission(ctx, t.tid(), part[0], part[1], part[2]), graphclient.NotFound)
		},
	}.step()
}
