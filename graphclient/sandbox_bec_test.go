package graphclient_test

import (
	"testing"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
)

// What an investigation reads of a mailbox and of its organization's mail, as things are now.
func TestSandboxBECState(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		rules := got(c.InboxRules(ctx, brightwell, celiaBox))(t, "InboxRules")
		for _, r := range rules {
			if len(r.Raw) == 0 || r.RuleIdentity == "" {
				t.Errorf("%+v", r)
			}
		}
		_ = got(c.SweepRules(ctx, brightwell, celiaBox))(t, "SweepRules")
		_ = got(c.JunkConfig(ctx, brightwell, celiaBox))(t, "JunkConfig")
		if m := got(c.CASMailbox(ctx, brightwell, celiaBox))(t, "CASMailbox"); !m.OWAEnabled {
			t.Errorf("%+v", m)
		}
		folders := got(c.MailboxFolders(ctx, brightwell, celiaBox, "All"))(t, "MailboxFolders")
		paths := []string{"", "/No such folder"}
		for _, f := range folders {
			paths = append(paths, f.FolderPath)
		}
		rights := got(c.FolderPermissions(ctx, brightwell, celiaBox, paths))(t, "FolderPermissions")
		for i, r := range rights {
			if i == 1 && graphclient.KindOf(r.Err) != graphclient.NotFound || i != 1 && (r.Err != nil || len(r.Rights) < 2 || r.Rights[0].Folder == "") {
				t.Errorf("%s: %+v", r.Folder, r)
			}
		}
		if r := got(c.TransportRules(ctx, harbourline))(t, "TransportRules"); len(r) != 1 || !r[0].Enabled() || len(r[0].Raw) == 0 {
			t.Errorf("%+v", r)
		}
		_ = got(c.InboundConnectors(ctx, harbourline))(t, "InboundConnectors")
		_ = got(c.OutboundConnectors(ctx, harbourline))(t, "OutboundConnectors")
		if d := got(c.RemoteDomains(ctx, harbourline))(t, "RemoteDomains"); len(d) != 1 || d[0].DomainName == "" {
			t.Errorf("%+v", d)
		}
		if p := got(c.OutboundSpamPolicies(ctx, harbourline))(t, "OutboundSpamPolicies"); len(p) != 1 || p[0].AutoForwardingMode == "" {
			t.Errorf("%+v", p)
		}
		if on := got(c.AuditBypass(ctx, brightwell, celiaBox))(t, "AuditBypass"); on {
			t.Error("bypassed")
		}
		_ = got(c.BlockedSenders(ctx, brightwell, celiaBox.UPN))(t, "BlockedSenders")
	})
}

// And what the directory says.
func TestSandboxBECDirectory(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		_ = got(c.MessageRules(ctx, brightwell, celia))(t, "MessageRules")
		_ = got(c.AllPrincipalsGrants(ctx, brightwell))(t, "AllPrincipalsGrants")
		if apps := got(c.ServicePrincipalsCreatedSince(ctx, brightwell, s.Now().AddDate(-9, 0, 0)))(t, "ServicePrincipalsCreatedSince"); len(apps) < 2 {
			t.Errorf("%+v", apps)
		}
		_ = got(c.NamedLocations(ctx, brightwell))(t, "NamedLocations")
		if p := got(c.AuthorizationPolicy(ctx, brightwell))(t, "AuthorizationPolicy"); len(p.DefaultUserRolePermissions.PermissionGrantPoliciesAssigned) == 0 {
			t.Errorf("%+v", p)
		}
		if d := got(c.RiskDetections(ctx, brightwell, celia, s.Now().AddDate(0, 0, -30)))(t, "RiskDetections"); len(d) != 2 || d[0].RiskEventType == "" || d[0].ActivityDateTime == nil {
			t.Errorf("%+v", d)
		}
		if r := got(c.DelegatedAdminRelationships(ctx, brightwell))(t, "DelegatedAdminRelationships"); len(r) != 1 || r[0].Status != "active" {
			t.Errorf("%+v", r)
		}
	})
}
