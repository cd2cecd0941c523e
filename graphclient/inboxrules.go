package graphclient

import (
	"context"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
)

// InboxRules are the rules of a mailbox, hidden ones included: that is where intruders put theirs. The
// system's own (junk mail, automatic replies) are left out, rules that only bear their names are not.
//
// Get-InboxRule -IncludeHidden; least role Exchange Recipient Administrator. Global Reader does not suffice.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-inboxrule
func (c *Client) InboxRules(ctx context.Context, tid string, ref MailboxRef) ([]InboxRule, error) {
	if err := require(tid, ref.identity()); err != nil {
		return nil, err
	}
	// A rule does not say that it is hidden: it is if only the longer of two lists shows it.
	var every, shown []InboxRule
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		every, err = rows[InboxRule](ctx, c, tid, ref.on("Get-InboxRule", "Mailbox", map[string]any{"IncludeHidden": true}))
		return err
	})
	g.Go(func() (err error) {
		shown, err = rows[InboxRule](ctx, c, tid, ref.on("Get-InboxRule", "Mailbox", nil))
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	visible := make(map[string]bool, len(shown))
	for _, r := range shown {
		visible[r.Identity] = true
	}
	var out []InboxRule
	for _, r := range every {
		if !r.ofTheSystem() {
			r.Hidden = !visible[r.Identity]
			out = append(out, r)
		}
	}
	return out, nil
}

// ofTheSystem reports whether a rule is one of those that Exchange makes for junk mail and automatic replies. An
// intruder can use the name; theirs does something, which the genuine ones do not show.
func (r InboxRule) ofTheSystem() bool {
	if !equalFold(r.Name, "Junk E-Mail Rule") && !strings.HasPrefix(r.Name, "Microsoft.Exchange.OOF.") {
		return false
	}
	return len(r.ForwardTo)+len(r.ForwardAsAttachmentTo)+len(r.RedirectTo)+len(r.SendTextMessageNotificationTo) == 0 &&
		!r.DeleteMessage && !r.SoftDeleteMessage && !r.PermanentDelete && r.MoveToFolder == "" && r.CopyToFolder == ""
}

// RemoveInboxRule deletes a rule, by the Identity InboxRules gave. Rules that only Outlook can handle may be
// lost with it.
//
// Remove-InboxRule; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/remove-inboxrule
func (c *Client) RemoveInboxRule(ctx context.Context, tid string, ref MailboxRef, ruleIdentity string) error {
	return c.onRule(ctx, tid, "Remove-InboxRule", ref, ruleIdentity, map[string]any{"Confirm": false, "Force": true})
}

// AddInboxRule makes a rule of what InboxRules once showed, enabled whatever it was, and answers its new
// identity. What stands under Beyond is not in it. Recipients that Exchange shows as "Name" [SMTP:address]
// are sent as the address; a folder is looked for in the same mailbox.
//
// New-InboxRule; least role Exchange Recipient Administrator. Not repeatable: rules may bear the same name.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/new-inboxrule
func (c *Client) AddInboxRule(ctx context.Context, tid string, ref MailboxRef, r InboxRule) (string, error) {
	if err := require(tid, ref.identity(), r.Name); err != nil {
		return "", err
	}
	params := map[string]any{"Name": r.Name, "Force": true, "Confirm": false}
	for name, list := range map[string][]string{"ForwardTo": r.ForwardTo, "ForwardAsAttachmentTo": r.ForwardAsAttachmentTo, "RedirectTo": r.RedirectTo, "From": r.From} {
		if len(list) > 0 {
			params[name] = addresses(list)
		}
	}
	for name, list := range map[string][]string{"FromAddressContainsWords": r.FromAddressContainsWords, "SubjectContainsWords": r.SubjectContainsWords,
		"BodyContainsWords": r.BodyContainsWords, "SubjectOrBodyContainsWords": r.SubjectOrBodyContainsWords, "HeaderContainsWords": r.HeaderContainsWords,
		"RecipientAddressContainsWords": r.RecipientAddressContainsWords} {
		if len(list) > 0 {
			params[name] = list
		}
	}
	for name, on := range map[string]bool{"DeleteMessage": r.DeleteMessage, "SoftDeleteMessage": r.SoftDeleteMessage, "MarkAsRead": r.MarkAsRead, "StopProcessingRules": r.StopProcessingRules} {
		if on {
			params[name] = true
		}
	}
	for name, folder := range map[string]string{"MoveToFolder": r.MoveToFolder, "CopyToFolder": r.CopyToFolder} {
		if folder != "" {
			params[name] = ref.identity() + `:\` + strings.TrimLeft(folder[strings.LastIndexByte(folder, ':')+1:], `\`)
		}
	}
	if r.Priority > 0 {
		params["Priority"] = r.Priority
	}
	made, err := rows[InboxRule](ctx, c, tid, ref.on("New-InboxRule", "Mailbox", params))
	if err != nil || len(made) == 0 {
		return "", err
	}
	return made[0].Identity, nil
}

var shownAddress = regexp.MustCompile(`\[(?:SMTP|EX):([^\]]+)\]\s*$`)

func addresses(shown []string) []string {
	out := make([]string, len(shown))
	for i, s := range shown {
		if out[i] = s; shownAddress.MatchString(s) {
			out[i] = shownAddress.FindStringSubmatch(s)[1]
		}
	}
	return out
}

// DisableInboxRule switches a rule off and keeps it as evidence.
//
// Disable-InboxRule; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/disable-inboxrule
func (c *Client) DisableInboxRule(ctx context.Context, tid string, ref MailboxRef, ruleIdentity string) error {
	return c.onRule(ctx, tid, "Disable-InboxRule", ref, ruleIdentity, map[string]any{"Confirm": false, "Force": true})
}

// EnableInboxRule switches a rule on again.
//
// Enable-InboxRule; least role Exchange Recipient Administrator. Repeatable.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/enable-inboxrule
func (c *Client) EnableInboxRule(ctx context.Context, tid string, ref MailboxRef, ruleIdentity string) error {
	return c.onRule(ctx, tid, "Enable-InboxRule", ref, ruleIdentity, map[string]any{"Confirm": false, "Force": true})
}

func (c *Client) onRule(ctx context.Context, tid, name string, ref MailboxRef, rule string, params map[string]any) error {
	if err := require(tid, ref.identity(), rule); err != nil {
		return err
	}
	m := ref.on(name, "Mailbox", params)
	m.params["Identity"] = rule
	m.mailbox = false // what is missing is the rule
	return c.run(ctx, tid, m)
}
