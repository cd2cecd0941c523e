package tools

import (
	"context"
	"fmt"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// OffboardUserIn are the arguments of cipp_offboard_user. What is left out follows the operator's
// defaults for the tenant.
type OffboardUserIn struct {
	TenantArg
	UserArg
	ConvertToShared    *bool  `json:"convertToShared,omitempty" jsonschema_description:"Turn the mailbox into a shared one."`
	RemoveLicenses     *bool  `json:"removeLicenses,omitempty" jsonschema_description:"Take the licences back, after the conversion."`
	RemoveFromGroups   *bool  `json:"removeFromGroups,omitempty" jsonschema_description:"Leave all groups."`
	ForwardingAddress  string `json:"forwardingAddress,omitempty" jsonschema_description:"Colleague who gets new mail."`
	KeepCopy           bool   `json:"keepCopy,omitempty" jsonschema_description:"Forwarded mail also stays in the mailbox."`
	OutOfOfficeMessage string `json:"outOfOfficeMessage,omitempty" jsonschema:"maxLength=4000" jsonschema_description:"Automatic reply, inside and outside."`
	HideFromGal        *bool  `json:"hideFromGal,omitempty" jsonschema_description:"Hide from the address lists."`
	ResetPassword      bool   `json:"resetPassword,omitempty" jsonschema_description:"Also set an unknown password."`
	WriteArgs
}

var offboardUser = Write(Tool{
	Name: "cipp_offboard_user", Title: "Offboard a user", Toolset: "workflows", Risk: policy.Destructive, Idempotent: true,
	Description: "Offboards a leaver in the safe order: block sign-in, end sessions, then what the options name, licences only after the mailbox is seen to be shared. Call it with dryRun first; prefer it to single tools.",
	Aliases: with(userAliases, map[string]string{
		"RemoveGroups": "removeFromGroups", "revokePermissions": "removeFromGroups", "OOO": "outOfOfficeMessage", "outOfOffice": "outOfOfficeMessage", "forward": "forwardingAddress", "forwardTo": "forwardingAddress",
		"deliverToBoth": "keepCopy", "HideFromGAL": "hideFromGal", "ResetPass": "resetPassword",
	}),
	Always: []string{"disableUser", "DisableSignIn", "revokeSessions", "RevokeSessions"},
	Needs: Needs{
		App:      []string{"User.EnableDisableAccount.All", "User.RevokeSessions.All", "User.Read.All", "Directory.Read.All", "GroupMember.ReadWrite.All", "LicenseAssignment.ReadWrite.All", "Exchange.ManageAsApp"},
		AppRoles: []string{"User Administrator", "Exchange Administrator"}, GDAPRoles: []string{"User Administrator", "Groups Administrator", "License Administrator", "Exchange Administrator"},
	},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","convertToShared":true,"removeLicenses":true,"dryRun":true}`,
}, offboardHandler)

func offboardHandler(ctx context.Context, c *Call, in OffboardUserIn) (Work, error) {
	var w Work
	choose := func(given *bool, option string) bool {
		if given != nil {
			return *given
		}
		v, from := c.Policy.OffboardingDefault(c.Tenant.DefaultDomain, option, false)
		if from != "" {
			w.Warnings = append(w.Warnings, fmt.Sprintf("%s=%t by the operator's default (%s)", option, v, from))
		}
		return v
	}
	o := workflows.OffboardingOptions{
		ConvertToShared: choose(in.ConvertToShared, "convertToShared"), RemoveLicenses: choose(in.RemoveLicenses, "removeLicenses"),
		RemoveFromGroups: choose(in.RemoveFromGroups, "removeFromGroups"), HideFromGal: choose(in.HideFromGal, "hideFromGal"),
		KeepCopy: in.KeepCopy, ResetPassword: in.ResetPassword, OutOfOffice: in.OutOfOfficeMessage,
	}
	if in.ForwardingAddress != "" {
		to, warnings, err := c.forwardTarget(ctx, in.ForwardingAddress)
		if err != nil {
			return w, err
		}
		w.Warnings = append(w.Warnings, warnings...)
		o.ForwardTo = &to
	}
	if Synced(c.User) {
		w.Warnings = append(w.Warnings, c.User.UserPrincipalName+" is synchronised from an on-premises directory: disable the account and reset its password in Active Directory too, or the next synchronisation undoes the block")
	}
	var err error
	w.Steps, err = workflows.Offboard(ctx, c.target(), c.sealer(), o)
	return w, err
}

// forwardTarget is the colleague who gets the mail. An address that is no user of the tenant is
// outside, which the operator has to have allowed; then it still needs the tool made for it.
func (c *Call) forwardTarget(ctx context.Context, address string) (u graphclient.User, warnings []string, err error) {
	u, err = c.Graph.User(ctx, c.Tenant.ID, address, "id", "userPrincipalName", "displayName", "mail", "mailNickname", "userType")
	switch {
	case graphclient.KindOf(err) == graphclient.NotFound:
		return u, nil, &Problem{
			Code: "external_forwarding", Message: fmt.Sprintf("%s is no mailbox of %s, and an offboarding forwards only inside the tenant.", Clean(address, 120), c.Tenant.DefaultDomain),
			Next: "Name a colleague in forwardingAddress, or leave it out.", Tenant: c.Tenant.DefaultDomain,
		}
	case err != nil:
		return u, nil, err
	case u.ID == c.User.ID:
		return u, nil, invalid("forwardingAddress is the leaver's own address.")
	case u.Guest() || strings.Contains(strings.ToUpper(u.UserPrincipalName), "#EXT#"):
		return u, nil, &Problem{Code: "external_forwarding", Message: u.UserPrincipalName + " is a guest, so that mail would leave the tenant.", Next: "Name a colleague in forwardingAddress, or leave it out.", Tenant: c.Tenant.DefaultDomain}
	}
	box, err := c.Graph.Mailbox(ctx, c.Tenant.ID, graphclient.MailboxRef{ID: u.ID, UPN: u.UserPrincipalName})
	if graphclient.KindOf(err) == graphclient.NoMailbox {
		return u, nil, &Problem{Code: "external_forwarding", Message: u.UserPrincipalName + " has no mailbox here, so that mail would be lost or leave the tenant.", Next: "Name a colleague with a mailbox in forwardingAddress, or leave it out.", Tenant: c.Tenant.DefaultDomain}
	}
	if on := forwardingOf(box); err == nil && on != "" {
		warnings = append(warnings, "the mailbox of "+u.UserPrincipalName+" itself forwards to "+q(on)+", so the leaver's mail may go there too")
	}
	return u, warnings, err
}
