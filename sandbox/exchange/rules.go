package exchange

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// ruleNumber is a rule's RuleIdentity, an unsigned 64-bit number. A state file writes it as a string,
// since JSON numbers in many readers do not hold so many digits.
func (c *call) ruleNumber(m, rule cloud.Object) string {
	switch v := rule["RuleIdentity"].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	n, err := strconv.ParseUint(strings.ReplaceAll(cloud.DerivedID(c.mailboxGUID(m), cloud.Str(rule, "Name")), "-", "")[:15], 16, 64)
	if err != nil {
		return "1"
	}
	return strconv.FormatUint(n, 10)
}

func (c *call) ruleView(m, rule cloud.Object) cloud.Object {
	n := c.ruleNumber(m, rule)
	owner := c.mailboxRecipient(m)
	v := cloud.Object{"Name": rule["Name"], "Identity": c.mailboxGUID(m) + `\` + n, "RuleIdentity": json.Number(n), "MailboxOwnerId": owner.name, "Enabled": true, "InError": false, "Priority": float64(1),
		"Description": "", "SupportedByTask": true, "From": nil, "SubjectContainsWords": nil, "SubjectOrBodyContainsWords": nil, "BodyContainsWords": nil, "FromAddressContainsWords": nil,
		"ForwardTo": nil, "ForwardAsAttachmentTo": nil, "RedirectTo": nil, "DeleteMessage": false, "SoftDeleteMessage": false, "MoveToFolder": nil, "CopyToFolder": nil, "MarkAsRead": false, "StopProcessingRules": false,
		"HasAttachment": false, "WithImportance": nil, "SendTextMessageNotificationTo": []any{}}
	for k, x := range rule {
		if k != "RuleIdentity" && k != "Identity" {
			v[k] = x
		}
	}
	return v
}

// ruleMailbox is the mailbox that -Mailbox names, or the one in front of a full rule identity.
func (c *call) ruleMailbox() (m cloud.Object, rule string, err error) {
	rule = c.p.text("Identity")
	owner := c.p.text("Mailbox")
	if before, after, ok := cutLast(rule, `\`); ok {
		if owner == "" {
			owner = before
		}
		rule = after
	}
	if owner == "" {
		return nil, rule, invalid("System.InvalidOperationException", "The mailbox must be given with the Mailbox parameter: an application has no mailbox of its own.")
	}
	m, err = c.mailbox(owner)
	return m, rule, err
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func getInboxRule(c *call) ([]cloud.Object, error) {
	m, name, err := c.ruleMailbox()
	if err != nil {
		return nil, err
	}
	rows := cloud.Objects(m, "InboxRules")
	if c.p.flag("IncludeHidden") {
		rows = append(append([]cloud.Object{}, rows...), cloud.Objects(m, "HiddenInboxRules")...)
	}
	var out []cloud.Object
	for _, rule := range rows {
		if name == "" || c.isRule(m, rule, name) {
			out = append(out, c.ruleView(m, rule))
		}
	}
	if name != "" && len(out) == 0 {
		return nil, noRule(name)
	}
	return out, nil
}

func (c *call) isRule(m, rule cloud.Object, name string) bool {
	return strings.EqualFold(cloud.Str(rule, "Name"), name) || c.ruleNumber(m, rule) == name
}

func noRule(name string) error {
	return &failure{status: 404, code: "NotFound", ex: "Ex94914C", exception: tasksExceptions + "ManagementObjectNotFoundException", message: fmt.Sprintf("The operation couldn't be performed because object '%s' couldn't be found. The Inbox rule doesn't exist.", name)}
}

// theRule is the rule to be changed and the list it stands in.
func (c *call) theRule() (m, rule cloud.Object, list string, err error) {
	m, name, err := c.ruleMailbox()
	if err != nil {
		return nil, nil, "", err
	}
	for _, list := range []string{"InboxRules", "HiddenInboxRules"} {
		for _, rule := range cloud.Objects(m, list) {
			if c.isRule(m, rule, name) {
				return m, rule, list, nil
			}
		}
	}
	return nil, nil, "", noRule(name)
}

func removeInboxRule(c *call) ([]cloud.Object, error) {
	m, rule, list, err := c.theRule()
	if err != nil {
		return nil, err
	}
	kept := []any{}
	for _, x := range cloud.Objects(m, list) {
		if !same(x, rule) {
			kept = append(kept, x)
		}
	}
	m[list] = kept
	return nil, nil
}

// ruleManner are parameters of New-InboxRule that say how, not what.
var ruleManner = map[string]bool{"Mailbox": true, "Force": true, "Confirm": true, "WhatIf": true, "AlwaysDeleteOutlookRulesBlob": true, "ErrorAction": true, "WarningAction": true, "Verbose": true, "Debug": true, "OutVariable": true}

// ruleRecipients are the parameters that hold recipients.
var ruleRecipients = []string{"ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "From", "SentTo", "ExceptIfFrom", "ExceptIfSentTo"}

// newInboxRule makes a rule. The reference gives no rule on what must be there beside a name; a rule that does
// nothing is refused, as the mail clients refuse it.
// https://learn.microsoft.com/powershell/module/exchange/new-inboxrule
func newInboxRule(c *call) ([]cloud.Object, error) {
	m, _, err := c.ruleMailbox()
	if err != nil {
		return nil, err
	}
	if c.p.has("FromMessageId") || c.p.flag("ValidateOnly") {
		return nil, badParameter("The parameters 'FromMessageId' and 'ValidateOnly' are not simulated.")
	}
	rule := cloud.Object{"RuleIdentity": strconv.FormatUint(c.freshRule(), 10), "Enabled": true, "Priority": float64(1)}
	acts, err := c.fillRule(m, rule)
	switch {
	case err != nil:
		return nil, err
	case !acts:
		return nil, invalid("System.InvalidOperationException", "The rule has no action.")
	}
	m["InboxRules"] = append(cloud.List(m, "InboxRules"), rule)
	return []cloud.Object{c.ruleView(m, rule)}, nil
}

// fillRule puts what the cmdlet was given into a rule, and says whether an action is among it. A refusal leaves
// the rule as it was.
func (c *call) fillRule(m, rule cloud.Object) (acts bool, err error) {
	for _, name := range ruleRecipients {
		for _, who := range c.p.texts(name) {
			if _, err := c.recipient(who); err != nil && !strings.Contains(who, "@") {
				return false, invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "The recipient \"%s\" of the parameter '%s' couldn't be found.", who, name)
			}
		}
	}
	folders := map[string]string{}
	for _, name := range []string{"MoveToFolder", "CopyToFolder"} {
		if f := c.p.text(name); f != "" {
			owner, path, ok := strings.Cut(f, ":")
			if o, err := c.mailbox(owner); !ok || err != nil || c.mailboxGUID(o) != c.mailboxGUID(m) {
				return false, badParameter("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%s\" to type \"Microsoft.Exchange.Configuration.Tasks.MailboxFolderIdParameter\".", name, f)
			}
			folders[name] = strings.TrimLeft(path, `\`)
		}
	}
	for name, v := range c.p {
		if ruleManner[name] || name == "Identity" {
			continue
		}
		if v == nil {
			delete(rule, name)
			continue
		}
		if rule[name] = v; folders[name] != "" {
			rule[name] = folders[name]
		}
		switch name {
		case "ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "MoveToFolder", "CopyToFolder", "DeleteMessage", "SoftDeleteMessage", "MarkAsRead", "MarkImportance", "ApplyCategory", "PinMessage", "PermanentDelete", "FlagMessage":
			acts = true
		}
	}
	return acts, nil
}

// freshRule is a number no rule bears.
func (c *call) freshRule() uint64 {
	n, err := strconv.ParseUint(strings.ReplaceAll(c.tenant.NewID(), "-", "")[:15], 16, 64)
	if err != nil {
		return 1
	}
	return n
}

func disableInboxRule(c *call) ([]cloud.Object, error) { return c.switchRule(false) }

func enableInboxRule(c *call) ([]cloud.Object, error) { return c.switchRule(true) }

func (c *call) switchRule(on bool) ([]cloud.Object, error) {
	_, rule, _, err := c.theRule()
	if err != nil {
		return nil, err
	}
	if v, ok := rule["SupportedByTask"].(bool); ok && !v || strings.HasPrefix(cloud.Str(rule, "Name"), "Delegate Rule -") {
		return nil, invalid("System.InvalidOperationException", "The rule '%s' can't be changed because it was not made by a mail client's rules.", cloud.Str(rule, "Name"))
	}
	rule["Enabled"] = on
	return nil, nil
}
