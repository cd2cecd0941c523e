package graphclient_test

import (
	"slices"
	"testing"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
)

// Every writing method once, each read back.
func TestSandboxWrites(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		done := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		t.Run("users", func(t *testing.T) {
			u := got(c.CreateUser(ctx, harbourline, graphclient.NewUser{AccountEnabled: true, DisplayName: "New O'Hand", MailNickname: "new.ohand",
				UserPrincipalName: "new.o'hand@harbourline.example", UsageLocation: "GB", PasswordProfile: graphclient.PasswordProfile{Password: "Harbour!2026-quay", ForceChangePasswordNextSignIn: true}}))(t, "CreateUser")
			if u.ID == "" {
				t.Fatal("no user")
			}
			done("UpdateUser", c.UpdateUser(ctx, harbourline, u.ID, map[string]any{"jobTitle": "Deckhand", "accountEnabled": false}))
			if back := got(c.User(ctx, harbourline, u.ID))(t, "User"); back.JobTitle != "Deckhand" || *back.AccountEnabled || back.UsageLocation != "GB" {
				t.Errorf("%+v", back)
			}
			done("SetPassword", c.SetPassword(ctx, harbourline, u.ID, "Another!2026-quay", true))
			done("RevokeSessions", c.RevokeSessions(ctx, harbourline, "new.o'hand@harbourline.example"))
			done("SetManager", c.SetManager(ctx, harbourline, u.ID, gareth))
			if m := got(c.Manager(ctx, harbourline, u.ID))(t, "Manager"); m == nil || m.ID != gareth {
				t.Errorf("%+v", m)
			}
			done("RemoveManager", c.RemoveManager(ctx, harbourline, u.ID))
			if m := got(c.Manager(ctx, harbourline, u.ID))(t, "Manager"); m != nil {
				t.Errorf("%+v", m)
			}
			done("DeleteUser", c.DeleteUser(ctx, harbourline, u.ID))
			if _, err := c.User(ctx, harbourline, u.ID); graphclient.KindOf(err) != graphclient.NotFound {
				t.Errorf("deleted: %v", err)
			}
			taken := got(c.UserConflicts(ctx, harbourline, "new.o'hand@harbourline.example"))(t, "UserConflicts")
			if len(taken) != 1 || taken[0].ID != u.ID || taken[0].DeletedDateTime == nil {
				t.Errorf("%+v", taken)
			}
			if back := got(c.RestoreUser(ctx, harbourline, u.ID))(t, "RestoreUser"); back.ID != u.ID {
				t.Errorf("%+v", back)
			}
		})
		t.Run("membership", func(t *testing.T) {
			done("AddGroupMember", c.AddGroupMember(ctx, harbourline, crm, ingrid))
			if is := got(c.IsGroupMember(ctx, harbourline, crm, ingrid))(t, "IsGroupMember"); !is {
				t.Error("not added")
			}
			if err := c.AddGroupMember(ctx, harbourline, crm, ingrid); graphclient.KindOf(err) != graphclient.AlreadyMember {
				t.Errorf("added twice: %v", err)
			}
			done("RemoveGroupMember", c.RemoveGroupMember(ctx, harbourline, crm, ingrid))
			if is := got(c.IsGroupMember(ctx, harbourline, crm, ingrid))(t, "IsGroupMember"); is {
				t.Error("not removed")
			}
			if err := c.RemoveGroupMember(ctx, harbourline, crm, ingrid); graphclient.KindOf(err) != graphclient.NotMember {
				t.Errorf("removed twice: %v", err)
			}
			if _, err := c.User(ctx, harbourline, ingrid); err != nil {
				t.Errorf("the user herself is gone: %v", err)
			}
			for group, kind := range map[string]graphclient.Kind{dynamic: graphclient.DynamicGroup, synced: graphclient.OnPremises, finance: graphclient.ExchangeManaged} {
				if err := c.AddGroupMember(ctx, harbourline, group, dana); graphclient.KindOf(err) != kind {
					t.Errorf("%s: %v, want %s", group, err, kind)
				}
			}
			done("AddDistributionGroupMember", c.AddDistributionGroupMember(ctx, harbourline, finance, danaBox.UPN))
			if err := c.AddDistributionGroupMember(ctx, harbourline, finance, dana); graphclient.KindOf(err) != graphclient.AlreadyMember {
				t.Errorf("added twice: %v", err)
			}
			done("RemoveDistributionGroupMember", c.RemoveDistributionGroupMember(ctx, harbourline, finance, dana))
			if err := c.RemoveDistributionGroupMember(ctx, harbourline, finance, dana); graphclient.KindOf(err) != graphclient.NotMember {
				t.Errorf("removed twice: %v", err)
			}
		})
		t.Run("licences", func(t *testing.T) { licenceWrites(t, c) })
		t.Run("authentication", func(t *testing.T) {
			done("SetPerUserMFAState", c.SetPerUserMFAState(ctx, harbourline, gareth, "enabled"))
			if state := got(c.PerUserMFAState(ctx, harbourline, gareth))(t, "PerUserMFAState"); state != "enabled" && state != "enforced" {
				t.Errorf("state %q", state)
			}
			methods := got(c.AuthMethods(ctx, harbourline, dana))(t, "AuthMethods")
			var last []graphclient.AuthMethod
			for _, m := range methods {
				if m.CanDelete() {
					if err := c.DeleteAuthMethod(ctx, harbourline, dana, m); graphclient.KindOf(err) == graphclient.DefaultMethod {
						last = append(last, m)
					} else {
						done("DeleteAuthMethod", err)
					}
				}
			}
			for _, m := range last {
				done("DeleteAuthMethod of the default", c.DeleteAuthMethod(ctx, harbourline, dana, m))
			}
			if left := got(c.AuthMethods(ctx, harbourline, dana))(t, "AuthMethods"); len(left) != 1 || left[0].Type() != "password" {
				t.Errorf("%+v", left)
			}
		})
		t.Run("consents and devices", func(t *testing.T) {
			for _, g := range got(c.OAuth2GrantsOf(ctx, brightwell, celia))(t, "OAuth2GrantsOf") {
				done("DeleteOAuth2Grant", c.DeleteOAuth2Grant(ctx, brightwell, g.ID))
			}
			if left := got(c.OAuth2GrantsOf(ctx, brightwell, celia))(t, "OAuth2GrantsOf"); len(left) != 0 {
				t.Errorf("%+v", left)
			}
			devices := got(c.RegisteredDevices(ctx, harbourline, dana))(t, "RegisteredDevices")
			if len(devices) == 0 {
				t.Fatal("no device")
			}
			done("SetDeviceEnabled", c.SetDeviceEnabled(ctx, harbourline, devices[0].ID, false))
			if d := got(c.RegisteredDevices(ctx, harbourline, dana))(t, "RegisteredDevices"); d[0].AccountEnabled == nil || *d[0].AccountEnabled {
				t.Errorf("%+v", d[0])
			}
		})
		t.Run("exchange", func(t *testing.T) { exchangeWrites(t, c) })
	})
}

func licenceWrites(t *testing.T, c *graphclient.Client) {
	states := func() []graphclient.LicenseAssignmentState {
		return got(c.User(ctx, harbourline, dana))(t, "User").LicenseAssignmentStates
	}
	var direct []string
	for _, st := range states() {
		if st.AssignedByGroup == "" {
			direct = append(direct, st.SkuID)
			continue
		}
		if err := c.AssignLicense(ctx, harbourline, dana, nil, []string{st.SkuID}); !slices.Contains(direct, st.SkuID) && graphclient.KindOf(err) != graphclient.InheritedLicense {
			t.Errorf("inherited licence: %v", err)
		}
	}
	if len(direct) == 0 {
		t.Fatal("no direct licence")
	}
	if err := c.AssignLicense(ctx, harbourline, dana, nil, direct); err != nil {
		t.Errorf("AssignLicense: %v", err)
	}
	for _, st := range states() {
		if st.AssignedByGroup == "" {
			t.Errorf("%+v is left", st)
		}
	}
	if err := c.AssignLicense(ctx, harbourline, dana, []graphclient.AssignedLicense{{SkuID: direct[0]}}, nil); err != nil {
		t.Errorf("AssignLicense back: %v", err)
	}
}

func exchangeWrites(t *testing.T, c *graphclient.Client) {
	done := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	const helper = "gareth.pell@harbourline.example"
	done("SetMailbox", c.SetMailbox(ctx, harbourline, danaBox, map[string]any{"ForwardingAddress": helper, "DeliverToMailboxAndForward": true, "HiddenFromAddressListsEnabled": true}))
	if m := got(c.Mailbox(ctx, harbourline, danaBox))(t, "Mailbox"); m.ForwardingAddress == "" || !m.DeliverToMailboxAndForward || !m.HiddenFromAddressListsEnabled {
		t.Errorf("%+v", m)
	}
	done("SetMailbox back", c.SetMailbox(ctx, harbourline, danaBox, map[string]any{"ForwardingAddress": nil, "ForwardingSmtpAddress": nil, "DeliverToMailboxAndForward": false}))
	if m := got(c.Mailbox(ctx, harbourline, danaBox))(t, "Mailbox"); m.ForwardingAddress != "" || m.DeliverToMailboxAndForward {
		t.Errorf("%+v", m)
	}
	done("AddMailboxPermission", c.AddMailboxPermission(ctx, harbourline, danaBox, helper, []string{"FullAccess"}, false))
	if p := got(c.MailboxPermissions(ctx, harbourline, danaBox))(t, "MailboxPermissions"); !slices.ContainsFunc(p, func(p graphclient.MailboxPermission) bool { return p.User == helper }) {
		t.Errorf("%+v", p)
	}
	done("RemoveMailboxPermission", c.RemoveMailboxPermission(ctx, harbourline, danaBox, helper, []string{"FullAccess"}))
	done("AddRecipientPermission", c.AddRecipientPermission(ctx, harbourline, danaBox, helper))
	if p := got(c.RecipientPermissions(ctx, harbourline, danaBox))(t, "RecipientPermissions"); !slices.ContainsFunc(p, func(p graphclient.RecipientPermission) bool { return p.Trustee == helper }) {
		t.Errorf("%+v", p)
	}
	done("RemoveRecipientPermission", c.RemoveRecipientPermission(ctx, harbourline, danaBox, helper))
	if p := got(c.RecipientPermissions(ctx, harbourline, danaBox))(t, "RecipientPermissions"); slices.ContainsFunc(p, func(p graphclient.RecipientPermission) bool { return p.Trustee == helper }) {
		t.Errorf("%+v", p)
	}
	for _, p := range got(c.CalendarPermissions(ctx, harbourline, danaBox))(t, "CalendarPermissions") {
		if p.User == "Default" {
			if err := c.RemoveCalendarPermission(ctx, harbourline, danaBox, p.Folder, "nobody@harbourline.example"); graphclient.KindOf(err) == "" {
				t.Error("a permission nobody has was removed")
			}
		}
	}
	rules := got(c.InboxRules(ctx, brightwell, celiaBox))(t, "InboxRules")
	for _, r := range rules {
		done("DisableInboxRule", c.DisableInboxRule(ctx, brightwell, celiaBox, r.Identity))
	}
	for _, r := range got(c.InboxRules(ctx, brightwell, celiaBox))(t, "InboxRules") {
		if r.Enabled {
			t.Errorf("%s is still on", r.Name)
		}
		done("RemoveInboxRule", c.RemoveInboxRule(ctx, brightwell, celiaBox, r.Identity))
	}
	if left := got(c.InboxRules(ctx, brightwell, celiaBox))(t, "InboxRules"); len(left) != 0 {
		t.Errorf("%+v", left)
	}
	done("SetAutoReply", c.SetAutoReply(ctx, harbourline, danaBox, graphclient.AutoReply{AutoReplyState: "Enabled", InternalMessage: "<p>Gone fishing</p>", ExternalMessage: "<p>Away</p>", ExternalAudience: "All"}))
	if r := got(c.AutoReply(ctx, harbourline, danaBox))(t, "AutoReply"); r.AutoReplyState != "Enabled" || r.ExternalMessage == "" || r.ExternalAudience != "All" {
		t.Errorf("%+v", r)
	}
	for _, d := range got(c.MobileDevices(ctx, brightwell, celiaBox))(t, "MobileDevices") {
		done("RemoveMobileDevice", c.RemoveMobileDevice(ctx, brightwell, celiaBox, d.Identity))
	}
	if left := got(c.MobileDevices(ctx, brightwell, celiaBox))(t, "MobileDevices"); len(left) != 0 {
		t.Errorf("%+v", left)
	}
	done("convert", c.SetMailbox(ctx, harbourline, danaBox, map[string]any{"Type": "Shared"}))
	if m := got(c.Mailbox(ctx, harbourline, danaBox))(t, "Mailbox"); !m.Shared() {
		t.Errorf("%+v", m)
	}
}
