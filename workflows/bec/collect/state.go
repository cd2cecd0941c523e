package collect

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// parts are the sources by the part of a reading they belong to.
var parts = map[string][]source{
	Snapshot: {
		{bec.Profile, profile}, {bec.AuthMethods, authMethods}, {bec.Devices, devices}, {bec.Grants, grantsOf}, {bec.Roles, roles},
		{bec.InboxRules, inboxRules}, {bec.HiddenRules, exchange("inboxRule", "Get-InboxRule", "Mailbox", map[string]any{"IncludeHidden": true})},
		{bec.SweepRules, exchange("sweepRule", "Get-SweepRule", "Mailbox", nil)},
		{bec.Forwarding, forwarding}, {bec.Delegates, delegates}, {bec.FolderPermissions, folderPermissions},
		{bec.MobileDevices, mobileDevices},
		{bec.JunkConfig, exchange("junkEmailConfiguration", "Get-MailboxJunkEmailConfiguration", "Identity", nil)},
		{bec.AutoReplies, exchange("autoReplyConfiguration", "Get-MailboxAutoReplyConfiguration", "Identity", nil)},
		{bec.Protocols, protocols}, {bec.BlockedSender, blockedSender},
		{bec.AddIns, exchange("app", "Get-App", "Mailbox", nil)},
		{bec.Apps, apps}, {bec.SharingLinks, sharingLinks},
		{bec.Federation, federation}, {bec.TransportRules, organisation("transportRule", "Get-TransportRule")},
		{bec.Connectors, connectors}, {bec.AuditConfig, auditConfig}, {bec.ConsentPolicy, consentPolicy}, {bec.PartnerAccess, partnerAccess},
		{bec.AppPasswords, unreadable("Microsoft has no API that lists app passwords; look in the legacy MFA portal")},
		{bec.OutlookForms, unreadable("custom forms and folder home pages are readable over MAPI only")},
	},
	Logs: {
		{bec.SignInsInteractive, interactiveSignIns}, {bec.SignInsNonInteractive, nonInteractiveSignIns}, {bec.DirectoryAudits, directoryAudits},
		{bec.UAL, unifiedAudit}, {bec.MessageTrace, messageTrace},
		// No response destroys these, and of the first two one request a second is all there is: the logs need not wait.
		{bec.Risk, risk}, {bec.ConditionalAccess, conditionalAccess}, {bec.Alerts, alerts},
	},
}

func unreadable(why string) func(context.Context, *Collector, *casefile.Writer) (bec.Coverage, error) {
	return func(context.Context, *Collector, *casefile.Writer) (bec.Coverage, error) {
		return bec.Coverage{Status: bec.Unavailable, Reason: bec.NoAPI, Detail: why}, nil
	}
}

func profile(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	row, err := c.Graph.GraphRow(ctx, c.Tenant, "/users/"+c.User.ID+"?$select="+strings.Join(profileProperties, ","), false)
	if err != nil {
		return bec.Coverage{}, err
	}
	if err := w.Add("user", c.User.ID, row); err != nil {
		return bec.Coverage{}, err
	}
	err = c.rows(ctx, w, c.mailboxRef(), "mailboxMessageConfiguration", "Get-MailboxMessageConfiguration", "Identity", nil)
	if graphclient.KindOf(err) == graphclient.NoMailbox {
		return bec.Coverage{}, nil // the account is whole; there is no signature to look at
	}
	return bec.Coverage{}, err
}

var profileProperties = []string{"id", "displayName", "userPrincipalName", "mail", "accountEnabled", "userType", "usageLocation", "createdDateTime", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime",
	"onPremisesSyncEnabled", "otherMails", "mobilePhone", "businessPhones", "jobTitle", "department", "proxyAddresses", "passwordPolicies"}

func authMethods(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	if err := c.graph(ctx, w, "authenticationMethod", "/users/"+c.User.ID+"/authentication/methods", true); err != nil {
		return bec.Coverage{}, err
	}
	row, err := c.Graph.GraphRow(ctx, c.Tenant, "/users/"+c.User.ID+"/authentication/requirements", true)
	if err != nil {
		return bec.Coverage{}, nil //nolint:nilerr // beta only; the methods themselves are what counts
	}
	return bec.Coverage{}, w.Add("authenticationRequirements", c.User.ID, row)
}

func devices(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	for kind, path := range map[string]string{"device": "/registeredDevices", "ownedDevice": "/ownedDevices"} {
		if err := c.graph(ctx, w, kind, "/users/"+c.User.ID+path, false); err != nil {
			return bec.Coverage{}, err
		}
	}
	err := c.graph(ctx, w, "managedDevice", "/users/"+c.User.ID+"/managedDevices", false)
	if k := graphclient.KindOf(err); k == graphclient.NotLicensed || k == graphclient.NotFound || k == graphclient.Denied {
		return bec.Coverage{Detail: "without Intune: " + string(k)}, nil
	}
	return bec.Coverage{}, err
}

func roles(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	q := url.Values{"$filter": {"principalId eq '" + c.User.ID + "'"}, "$expand": {"roleDefinition"}}
	return bec.Coverage{}, c.Graph.GraphRows(ctx, c.Tenant, "/roleManagement/directory/roleAssignments", q, false, func(page []json.RawMessage) error { return addAll(w, "roleAssignment", page) })
}

func risk(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	q := url.Values{"$filter": {"userId eq '" + c.User.ID + "'"}, "$top": {"500"}}
	if err := c.Graph.GraphRows(ctx, c.Tenant, "/identityProtection/riskDetections", q, false, func(page []json.RawMessage) error { return addAll(w, "riskDetection", page) }); err != nil {
		return bec.Coverage{}, err
	}
	row, err := c.Graph.GraphRow(ctx, c.Tenant, "/identityProtection/riskyUsers/"+c.User.ID, false)
	kind := graphclient.KindOf(err)
	if kind == graphclient.NotFound {
		return bec.Coverage{}, nil // no opinion of this user
	}
	if kind == graphclient.NotPremium || kind == graphclient.NotLicensed || kind == graphclient.Denied {
		return bec.Coverage{Status: bec.ReadPartly, Reason: bec.NoLicence, Detail: "without Entra ID P2 detections are generic, and an empty list does not mean no risk"}, nil
	}
	if err != nil {
		return bec.Coverage{}, err
	}
	return bec.Coverage{}, w.Add("riskyUser", c.User.ID, row)
}

func conditionalAccess(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	if err := c.graph(ctx, w, "conditionalAccessPolicy", "/identity/conditionalAccess/policies", false); err != nil {
		return bec.Coverage{}, err
	}
	return bec.Coverage{}, c.graph(ctx, w, "namedLocation", "/identity/conditionalAccess/namedLocations", false)
}

func federation(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	return bec.Coverage{}, c.graph(ctx, w, "domain", "/domains", false)
}

func consentPolicy(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	row, err := c.Graph.GraphRow(ctx, c.Tenant, "/policies/authorizationPolicy", false)
	if err != nil {
		return bec.Coverage{}, err
	}
	return bec.Coverage{}, w.Add("authorizationPolicy", idOf(row), row)
}

// partnerAccess: the customers' side of delegated administration has no list in Graph; who of the partner acted
// stands in the logs.
func partnerAccess(_ context.Context, _ *Collector, _ *casefile.Writer) (bec.Coverage, error) {
	return bec.Coverage{Status: bec.Unavailable, Reason: bec.NoAPI, Detail: "a customer's partner relationships are listed in the admin center only; acts of partners stand in the logs"}, nil
}
