package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// OffboardUserIn are the arguments of cipp_offboard_user. What is left out follows the posture, then the
// operator's defaults for the tenant.
type OffboardUserIn struct {
	TenantArg
	UserArg
	Posture             string   `json:"posture,omitempty" jsonschema:"enum=standard,enum=termination,enum=contractor" jsonschema_description:"Set of defaults for the options."`
	ConvertToShared     *bool    `json:"convertToShared,omitempty"`
	RemoveLicenses      *bool    `json:"removeLicenses,omitempty" jsonschema_description:"Only after the conversion."`
	RemoveFromGroups    *bool    `json:"removeFromGroups,omitempty"`
	NewGroupOwner       string   `json:"newGroupOwner,omitempty" jsonschema_description:"Owner for groups nobody else owns."`
	ForwardingAddress   string   `json:"forwardingAddress,omitempty" jsonschema_description:"Colleague who gets new mail."`
	KeepCopy            bool     `json:"keepCopy,omitempty"`
	OutOfOfficeMessage  string   `json:"outOfOfficeMessage,omitempty" jsonschema:"maxLength=4000" jsonschema_description:"Automatic reply, inside and outside."`
	HideFromGal         *bool    `json:"hideFromGal,omitempty"`
	ResetPassword       *bool    `json:"resetPassword,omitempty"`
	RemoveRules         *bool    `json:"removeRules,omitempty"`
	RemoveMobileDevices *bool    `json:"removeMobileDevices,omitempty"`
	CancelMeetings      *bool    `json:"cancelMeetings,omitempty"`
	FullAccess          []string `json:"fullAccess,omitempty" jsonschema:"maxItems=10" jsonschema_description:"Colleagues who get the mailbox."`
	Automap             *bool    `json:"automap,omitempty" jsonschema:"default=true"`
	SendAs              []string `json:"sendAs,omitempty" jsonschema:"maxItems=10"`
	SendOnBehalf        []string `json:"sendOnBehalf,omitempty" jsonschema:"maxItems=10"`
	OneDriveAccess      []string `json:"oneDriveAccess,omitempty" jsonschema:"maxItems=10"`
	AccessDays          int      `json:"accessDays,omitempty" jsonschema_description:"End these colleagues' access then."`
	RemoveOwnAccess     *bool    `json:"removeOwnAccess,omitempty" jsonschema_description:"Rights on other mailboxes and calendars."`
	RemoveMFAMethods    *bool    `json:"removeMfaMethods,omitempty"`
	RemoveRoles         *bool    `json:"removeRoles,omitempty"`
	RemoveAppAccess     *bool    `json:"removeAppAccess,omitempty" jsonschema_description:"Consents and assignments."`
	ClearManager        *bool    `json:"clearManager,omitempty"`
	DisableDevices      *bool    `json:"disableDevices,omitempty"`
	LitigationHold      *bool    `json:"litigationHold,omitempty" jsonschema_description:"Needs the licence to stay."`
	// What outlives the account.
	DisableOneDriveSharing *bool `json:"disableOneDriveSharing,omitempty"`
	UnassignPhoneNumbers   *bool `json:"unassignPhoneNumbers,omitempty"`
	ClearImmutableID       *bool `json:"clearImmutableId,omitempty"`
	DeleteAfterDays        int   `json:"deleteAfterDays,omitempty"`
	// Steps are a part of the plan; which steps there are, the options decide.
	Steps []string `json:"steps,omitempty" jsonschema:"maxItems=50" jsonschema_description:"Only these steps of the plan."`
	RunAtArg
	WriteArgs
}

var offboardUser = Write(Tool{
	Name: "cipp_offboard_user", Title: "Offboard a user", Toolset: "workflows", Risk: policy.Destructive, Idempotent: true,
	Description: "Offboards a leaver in the safe order: block sign-in, end sessions, then what posture and options name, licences only after the mailbox is seen to be shared. Call it with dryRun first: it reviews groups, devices, delegates and all that blocks. Prefer it to single tools.",
	Aliases: with(userAliases, map[string]string{
		"RemoveGroups": "removeFromGroups", "OOO": "outOfOfficeMessage", "outOfOffice": "outOfOfficeMessage", "forward": "forwardingAddress", "forwardTo": "forwardingAddress",
		"deliverToBoth": "keepCopy", "HideFromGAL": "hideFromGal", "ResetPass": "resetPassword", "removeMobile": "removeMobileDevices", "RemoveMobile": "removeMobileDevices",
		"removeCalendarInvites": "cancelMeetings", "RemoveRules": "removeRules", "RemoveMFADevices": "removeMfaMethods", "removePermissions": "removeOwnAccess", "revokePermissions": "removeOwnAccess",
		"removeCalendarPermissions": "removeOwnAccess", "OnedriveAccess": "oneDriveAccess", "AccessAutomap": "fullAccess", "delegateAccess": "fullAccess", "AccessSendAs": "sendAs", "AccessSendOnBehalf": "sendOnBehalf",
		"DisableOneDriveSharing": "disableOneDriveSharing", "RemoveTeamsPhoneDID": "unassignPhoneNumbers", "removeTeamsPhone": "unassignPhoneNumbers", "removePhoneNumbers": "unassignPhoneNumbers", "ClearImmutableId": "clearImmutableId",
	}),
	Always: []string{"disableUser", "DisableSignIn", "revokeSessions", "RevokeSessions"},
	Needs: Needs{
		App: []string{"User.EnableDisableAccount.All", "User.RevokeSessions.All", "User.ReadWrite.All", "Directory.Read.All", "GroupMember.ReadWrite.All", "Group.ReadWrite.All", "LicenseAssignment.ReadWrite.All",
			"UserAuthenticationMethod.ReadWrite.All", "RoleManagement.ReadWrite.Directory", "DelegatedPermissionGrant.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Application.Read.All", "Device.ReadWrite.All",
			"DeviceManagementManagedDevices.Read.All", "Files.ReadWrite.All", "Calendars.ReadBasic.All", "TeamsTelephoneNumber.ReadWrite.All", "Exchange.ManageAsApp"},
		AppRoles: []string{"User Administrator", "Exchange Administrator"}, GDAPRoles: []string{"User Administrator", "Groups Administrator", "License Administrator", "Exchange Administrator", "Authentication Administrator", "Application Administrator", "Cloud Device Administrator", "Teams Administrator", "SharePoint Administrator"},
	},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","posture":"standard","dryRun":true}`,
}, offboardHandler)

func offboardHandler(ctx context.Context, c *Call, in OffboardUserIn) (Work, error) {
	var w Work
	d := &defaults{c: c, posture: in.Posture}
	o := workflows.OffboardingOptions{
		ConvertToShared: d.choose(in.ConvertToShared, "convertToShared"), RemoveLicenses: d.choose(in.RemoveLicenses, "removeLicenses"),
		RemoveFromGroups: d.choose(in.RemoveFromGroups, "removeFromGroups"), HideFromGal: d.choose(in.HideFromGal, "hideFromGal"),
		ResetPassword: d.choose(in.ResetPassword, "resetPassword"), RemoveRules: d.choose(in.RemoveRules, "removeRules"),
		RemoveMobileDevices: d.choose(in.RemoveMobileDevices, "removeMobileDevices"), CancelMeetings: d.choose(in.CancelMeetings, "cancelMeetings"),
		RemoveOwnAccess: d.choose(in.RemoveOwnAccess, "removeOwnAccess"), RemoveMFAMethods: d.choose(in.RemoveMFAMethods, "removeMfaMethods"),
		RemoveRoles: d.choose(in.RemoveRoles, "removeRoles"), RemoveAppAccess: d.choose(in.RemoveAppAccess, "removeAppAccess"),
		ClearManager: d.choose(in.ClearManager, "clearManager"), DisableDevices: d.choose(in.DisableDevices, "disableDevices"),
		LitigationHold:         d.choose(in.LitigationHold, "litigationHold"),
		DisableOneDriveSharing: d.choose(in.DisableOneDriveSharing, "disableOneDriveSharing"), UnassignPhoneNumbers: d.choose(in.UnassignPhoneNumbers, "unassignPhoneNumbers"),
		ClearImmutableID: d.choose(in.ClearImmutableID, "clearImmutableId"),
		KeepCopy:         in.KeepCopy, OutOfOffice: in.OutOfOfficeMessage, Automap: in.Automap == nil || *in.Automap,
		AccessDays: in.AccessDays, DeleteAfterDays: in.DeleteAfterDays, Later: c.scheduler(),
	}
	w.Warnings = d.warnings()
	if o.ResetPassword && in.ResetPassword == nil && (Synced(c.User) || c.User.Guest()) { // a default is no reason to stop
		o.ResetPassword = false
		w.Warnings = append(w.Warnings, "the password of "+c.User.UserPrincipalName+" is kept elsewhere, so resetPassword was left out: change it there")
	}
	if in.ForwardingAddress != "" {
		to, err := jobs.Found(ctx, c.Run, "forwardTo", func(ctx context.Context) (f forwardTo, err error) {
			f.User, f.Warnings, err = c.forwardTarget(ctx, in.ForwardingAddress)
			return f, err
		})
		if err != nil {
			return w, err
		}
		w.Warnings = append(w.Warnings, to.Warnings...)
		o.ForwardTo = &to.User
	}
	if in.NewGroupOwner != "" {
		heir, err := c.colleague(ctx, "newGroupOwner", in.NewGroupOwner)
		if err != nil {
			return w, err
		}
		o.NewGroupOwner = &heir
	}
	var err error
	if o.Access, err = c.accessGiven(ctx, c.colleague, in.FullAccess, in.SendAs, in.SendOnBehalf, in.OneDriveAccess); err != nil {
		return w, err
	}
	for name, days := range map[string]int{"accessDays": in.AccessDays, "deleteAfterDays": in.DeleteAfterDays} {
		if days < 0 || days > 365 {
			return w, invalid("%s must be between 1 and 365.", name)
		}
	}
	if in.DeleteAfterDays > 0 {
		w.Parts = []string{workflows.DeleteTool}
	}
	if in.AccessDays > 0 && len(o.Access) == 0 {
		return w, invalid("accessDays needs fullAccess, sendAs, sendOnBehalf or oneDriveAccess.")
	}
	if Synced(c.User) {
		w.Warnings = append(w.Warnings, c.User.UserPrincipalName+" is synchronised from an on-premises directory: disable the account and reset its password in Active Directory too, or the next synchronisation undoes the block")
	}
	w.Review = func(ctx context.Context) (*workflows.Review, error) {
		return workflows.ReviewLeaver(ctx, c.target(), c.Run)
	}
	if w.Steps, err = workflows.Offboard(ctx, c.target(), c.Run, c.sealer(), o); err != nil || len(in.Steps) == 0 {
		return w, err
	}
	if w.Steps, err = workflows.Part(w.Steps, in.Steps); err != nil {
		return w, invalid("steps: %s.", err)
	}
	return w, nil
}

// accessGiven are the rights colleagues are to get, each colleague found once in the run's life.
func (c *Call) accessGiven(ctx context.Context, find func(ctx context.Context, argument, name string) (graphclient.User, error), fullAccess, sendAs, sendOnBehalf, oneDrive []string) ([]workflows.AccessGiven, error) {
	var out []workflows.AccessGiven
	for _, l := range []struct {
		argument string
		grant    workflows.Grant
		who      []string
	}{{"fullAccess", workflows.FullAccess, fullAccess}, {"sendAs", workflows.SendAs, sendAs}, {"sendOnBehalf", workflows.SendOnBehalf, sendOnBehalf}, {"oneDriveAccess", workflows.OneDrive, oneDrive}} {
		for _, name := range l.who {
			u, err := find(ctx, l.argument, name)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(out, func(a workflows.AccessGiven) bool { return a.Grant == l.grant && a.Who.ID == u.ID }) {
				out = append(out, workflows.AccessGiven{Grant: l.grant, Who: u})
			}
		}
	}
	return out, nil
}

// colleague is the member of the tenant an argument names, found once in the run's life. The leaver, guests and
// blocked accounts are none.
func (c *Call) colleague(ctx context.Context, argument, name string) (graphclient.User, error) {
	return jobs.Found(ctx, c.Run, "colleague/"+strings.ToLower(name), func(ctx context.Context) (graphclient.User, error) {
		u, err := c.Graph.User(ctx, c.Tenant.ID, name, "id", "userPrincipalName", "displayName", "mail", "mailNickname", "userType", "accountEnabled")
		switch {
		case graphclient.KindOf(err) == graphclient.NotFound:
			return u, invalid("%s: there is no user %q in %s.", argument, Clean(name, 120), c.Tenant.DefaultDomain)
		case err != nil:
			return u, err
		case u.ID == c.User.ID:
			return u, invalid("%s names the leaver.", argument)
		case u.Guest() || strings.Contains(strings.ToUpper(u.UserPrincipalName), "#EXT#"):
			return u, invalid("%s: %s is a guest; name a colleague.", argument, u.UserPrincipalName)
		case u.AccountEnabled != nil && !*u.AccountEnabled:
			return u, invalid("%s: the account of %s is blocked; name a colleague who can sign in.", argument, u.UserPrincipalName)
		}
		return u, nil
	})
}

// forwardTo is whom planning found under forwardingAddress, and what is to be said of it.
type forwardTo struct {
	User     graphclient.User
	Warnings []string
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
