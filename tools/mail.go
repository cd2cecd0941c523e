package tools

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// RemoveInboxRuleIn are the arguments of cipp_remove_inbox_rule.
type RemoveInboxRuleIn struct {
	TenantArg
	UserArg
	RuleID string `json:"ruleId" jsonschema_description:"The rule's id or identity, not its name."`
	WriteArgs
}

var removeInboxRule = Write(Tool{
	Name: "cipp_remove_inbox_rule", Title: "Remove inbox rule", Toolset: "mail", Extra: true, Risk: policy.Destructive, Idempotent: true, Aliases: with(userAliases, map[string]string{"ruleIdentity": "ruleId", "rule": "ruleId", "identity": "ruleId"}),
	Description: "Deletes one inbox rule, hidden ones too, by its id; all its properties are kept first. For the rules of a compromise use cipp_bec_remediate.",
	Needs:       Needs{App: []string{"Exchange.ManageAsApp"}, AppRoles: []string{"Exchange Recipient Administrator"}, GDAPRoles: []string{"Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","ruleId":"12345678901234567890","dryRun":true}`,
}, func(ctx context.Context, c *Call, in RemoveInboxRuleIn) (Work, error) {
	s, err := workflows.RemoveRule(ctx, c.target(), c.Run, strings.TrimSpace(in.RuleID))
	if err != nil {
		return Work{}, err
	}
	if s == nil {
		return Work{}, &Problem{Code: "not_found", Message: fmt.Sprintf("%s has no inbox rule with the id %q.", c.User.UserPrincipalName, Clean(in.RuleID, 80)), Next: "cipp_bec_check lists the rules with their ids; a rule that is gone needs no removing.", Tenant: c.Tenant.DefaultDomain}
	}
	return Work{Steps: []jobs.Step{*s}, Warnings: []string{"rules that only Outlook on a desktop can handle may be lost when a rule is changed from here"}}, nil
})

// SetEmailForwardingIn are the arguments of cipp_set_email_forwarding.
type SetEmailForwardingIn struct {
	TenantArg
	UserArg
	ForwardingAddress string `json:"forwardingAddress,omitempty" jsonschema_description:"Who gets new mail."`
	DeliverToBoth     *bool  `json:"deliverToBoth,omitempty" jsonschema:"default=true" jsonschema_description:"Keep a copy in the mailbox."`
	Disable           bool   `json:"disable,omitempty" jsonschema_description:"Stop all forwarding."`
	WriteArgs
}

var setEmailForwarding = Write(Tool{
	Name: "cipp_set_email_forwarding", Title: "Set email forwarding", Toolset: "mail", Extra: true, MayDestroy: true, Risk: policy.Write, Idempotent: true, Aliases: with(userAliases, map[string]string{"forwardTo": "forwardingAddress", "keepCopy": "deliverToBoth"}),
	Description: "Forwards a mailbox's new mail, or stops it with disable=true. Rules that forward are not touched; cipp_remove_inbox_rule is for those.",
	Needs:       Needs{App: []string{"Exchange.ManageAsApp", "User.Read.All"}, AppRoles: []string{"Exchange Recipient Administrator"}, GDAPRoles: []string{"Exchange Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","disable":true,"dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetEmailForwardingIn) (Work, error) {
	if err := c.needsMailbox(ctx); err != nil {
		return Work{}, err
	}
	address := strings.TrimSpace(in.ForwardingAddress)
	switch {
	case in.Disable && address != "":
		return Work{}, invalid("Give forwardingAddress or disable=true, not both.")
	case in.Disable:
		return Work{Steps: []jobs.Step{workflows.ForwardTo(c.target(), "", false)}}, nil
	case address == "":
		return Work{}, invalid("forwardingAddress is missing; disable=true stops forwarding.")
	}
	copyStays := in.DeliverToBoth == nil || *in.DeliverToBoth
	u, warnings, err := c.forwardTarget(ctx, address)
	if p, ok := ProblemOf(err); ok && p.Code == "external_forwarding" {
		return c.forwardOutside(address, copyStays)
	}
	if err != nil {
		return Work{}, err
	}
	w := Work{Steps: []jobs.Step{workflows.Forward(c.target(), u, copyStays)}, Warnings: warnings}
	if !copyStays {
		w.Risk = policy.Destructive
		w.Warnings = append(w.Warnings, "no copy stays in the mailbox: "+c.User.UserPrincipalName+" will not see new mail")
	}
	return w, nil
})

// forwardOutside forwards out of the tenant, which is what a thief would do: the operator has to have allowed it.
func (c *Call) forwardOutside(address string, copyStays bool) (Work, error) {
	a, err := mail.ParseAddress(address)
	if err != nil || a.Address != address {
		return Work{}, invalid("forwardingAddress %q is no address.", Clean(address, 80))
	}
	if !c.Policy.ExternalForwarding() {
		return Work{}, &Problem{
			Code: "external_forwarding", Message: fmt.Sprintf("%s is no mailbox of %s, and the operator does not allow forwarding out of a tenant (guards.externalForwarding).", Clean(address, 120), c.Tenant.DefaultDomain),
			Next: "Name a colleague, or have the operator change that guard.", Tenant: c.Tenant.DefaultDomain,
		}
	}
	return Work{Steps: []jobs.Step{workflows.ForwardTo(c.target(), address, copyStays)}, Risk: policy.Destructive, Warnings: []string{"mail will leave " + c.Tenant.DefaultDomain + " for " + q(address)}}, nil
}
