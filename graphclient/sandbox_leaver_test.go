package graphclient_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
)

// What an offboarding takes and gives, each both ways and read back, however the client signs in.
func TestSandboxLeaverWrites(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sandbox.Server, c *graphclient.Client) {
		done := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		t.Run("consents and applications", func(t *testing.T) {
			g := got(c.OAuth2GrantsOf(ctx, brightwell, celia))(t, "OAuth2GrantsOf")[0]
			if err := c.AddOAuth2Grant(ctx, brightwell, g); graphclient.KindOf(err) != graphclient.Conflict {
				t.Errorf("a grant that exists: %v", err)
			}
			done("DeleteOAuth2Grant", c.DeleteOAuth2Grant(ctx, brightwell, g.ID))
			done("AddOAuth2Grant", c.AddOAuth2Grant(ctx, brightwell, g))
			if back := got(c.OAuth2GrantsOf(ctx, brightwell, celia))(t, "OAuth2GrantsOf"); len(back) != 1 || back[0].Scope != g.Scope || back[0].ID == g.ID {
				t.Errorf("%+v", back)
			}
			a := got(c.AppRoleAssignmentsOf(ctx, brightwell, celia))(t, "AppRoleAssignmentsOf")[0]
			if err := c.AssignApp(ctx, brightwell, celia, a.ResourceID, a.AppRoleID); graphclient.KindOf(err) != graphclient.AlreadyMember {
				t.Errorf("an assignment that exists: %v", err)
			}
			done("RemoveAppAssignment", c.RemoveAppAssignment(ctx, brightwell, celia, a.ID))
			if err := c.RemoveAppAssignment(ctx, brightwell, celia, a.ID); graphclient.KindOf(err) != graphclient.NotFound {
				t.Errorf("removed twice: %v", err)
			}
			done("AssignApp", c.AssignApp(ctx, brightwell, celia, a.ResourceID, a.AppRoleID))
			if back := got(c.AppRoleAssignmentsOf(ctx, brightwell, celia))(t, "AppRoleAssignmentsOf"); len(back) != 1 || back[0].ResourceID != a.ResourceID {
				t.Errorf("%+v", back)
			}
		})
		t.Run("owners", func(t *testing.T) {
			groups := got(c.GroupsOwnedBy(ctx, harbourline, gareth))(t, "GroupsOwnedBy")
			i := slices.IndexFunc(groups, func(g graphclient.Group) bool { return g.DisplayName == "Rotterdam Project" })
			j := slices.IndexFunc(groups, func(g graphclient.Group) bool { return g.DisplayName == "Port Alerts" })
			if i < 0 || j < 0 {
				t.Fatalf("%+v", groups)
			}
			if err := c.RemoveGroupOwner(ctx, harbourline, groups[i].ID, gareth); graphclient.KindOf(err) == "" {
				t.Error("the last owner was removed")
			}
			done("AddGroupOwner", c.AddGroupOwner(ctx, harbourline, groups[i].ID, dana))
			if err := c.AddGroupOwner(ctx, harbourline, groups[i].ID, dana); graphclient.KindOf(err) != graphclient.AlreadyMember {
				t.Errorf("an owner again: %v", err)
			}
			done("RemoveGroupOwner", c.RemoveGroupOwner(ctx, harbourline, groups[i].ID, gareth))
			if o := got(c.GroupOwners(ctx, harbourline, groups[i].ID))(t, "GroupOwners"); len(o) != 1 || o[0].ID != dana {
				t.Errorf("%+v", o)
			}
			if err := c.AddGroupOwner(ctx, harbourline, groups[j].ID, dana); graphclient.KindOf(err) != graphclient.ExchangeManaged {
				t.Errorf("Graph and a distribution list: %v", err)
			}
			before := got(c.DistributionGroupOwners(ctx, harbourline, groups[j].ID))(t, "DistributionGroupOwners")
			done("SetDistributionGroupOwners", c.SetDistributionGroupOwners(ctx, harbourline, groups[j].ID, []string{danaBox.UPN}, nil))
			if after := got(c.DistributionGroupOwners(ctx, harbourline, groups[j].ID))(t, "DistributionGroupOwners"); len(after) != len(before)+1 {
				t.Errorf("%v, then %v", before, after)
			}
		})
		t.Run("rules", func(t *testing.T) {
			rules := got(c.InboxRules(ctx, harbourline, danaBox))(t, "InboxRules")
			b, err := json.Marshal(rules)
			var again []graphclient.InboxRule
			if err != nil || json.Unmarshal(b, &again) != nil || len(again) != 1 {
				t.Fatalf("%s %v", b, err)
			}
			done("RemoveInboxRule", c.RemoveInboxRule(ctx, harbourline, danaBox, again[0].Identity))
			id := got(c.AddInboxRule(ctx, harbourline, danaBox, again[0]))(t, "AddInboxRule")
			back := got(c.InboxRules(ctx, harbourline, danaBox))(t, "InboxRules")
			if len(back) != 1 || back[0].Identity != id || back[0].Name != again[0].Name || back[0].MoveToFolder != again[0].MoveToFolder || !slices.Equal(back[0].From, again[0].From) {
				t.Errorf("%+v", back)
			}
			if _, err := c.AddInboxRule(ctx, harbourline, danaBox, graphclient.InboxRule{Name: "does nothing"}); graphclient.KindOf(err) == "" {
				t.Error("a rule without action was made")
			}
		})
		t.Run("mailbox", func(t *testing.T) {
			const helper = "gareth.pell@harbourline.example"
			has := func(what string, want bool, is bool, err error) {
				t.Helper()
				if err != nil || is != want {
					t.Errorf("%s: %t %v", what, is, err)
				}
			}
			full, err := c.HasFullAccess(ctx, harbourline, danaBox, helper)
			has("full access", false, full, err)
			done("AddMailboxPermission", c.AddMailboxPermission(ctx, harbourline, danaBox, helper, []string{"FullAccess"}, true))
			full, err = c.HasFullAccess(ctx, harbourline, danaBox, helper)
			has("full access", true, full, err)
			done("AddRecipientPermission", c.AddRecipientPermission(ctx, harbourline, danaBox, helper))
			send, err := c.CanSendAs(ctx, harbourline, danaBox, helper)
			has("send as", true, send, err)
			done("SetSendOnBehalf", c.SetSendOnBehalf(ctx, harbourline, danaBox, []string{helper}, nil))
			if m := got(c.Mailbox(ctx, harbourline, danaBox))(t, "Mailbox"); len(m.GrantSendOnBehalfTo) != 1 {
				t.Errorf("%v", m.GrantSendOnBehalfTo)
			}
			was := got(c.AutoReply(ctx, harbourline, danaBox))(t, "AutoReply")
			done("SetAutoReply", c.SetAutoReply(ctx, harbourline, danaBox, graphclient.AutoReply{AutoReplyState: "Enabled", InternalMessage: "x", ExternalMessage: "y", ExternalAudience: "None"}))
			done("RestoreAutoReply", c.RestoreAutoReply(ctx, harbourline, danaBox, was))
			if r := got(c.AutoReply(ctx, harbourline, danaBox))(t, "AutoReply"); r.AutoReplyState != was.AutoReplyState || r.InternalMessage != was.InternalMessage || r.ExternalAudience != was.ExternalAudience {
				t.Errorf("%+v", r)
			}
			from := s.Now()
			until := from.Add(30 * 24 * time.Hour)
			if c.Mode() != graphclient.App { // a person sees no other's calendar
				e := say(t, second(c.MeetingsOrganised(ctx, harbourline, dana, from, until, 10)), graphclient.OtherSignIn)
				if !strings.Contains(e.Message, "auth.mode app") {
					t.Errorf("%s", e.Message)
				}
			} else if found := got(c.MeetingsOrganised(ctx, harbourline, dana, from, until, 10))(t, "MeetingsOrganised"); len(found) != 1 || found[0].Subject != "Weekly rate review" {
				t.Errorf("%+v", found)
			}
			done("CancelMeetings", c.CancelMeetings(ctx, harbourline, danaBox, 30))
			if c.Mode() == graphclient.App {
				if found := got(c.MeetingsOrganised(ctx, harbourline, dana, from, until, 10))(t, "MeetingsOrganised"); len(found) != 0 {
					t.Errorf("%+v", found)
				}
			}
		})
		t.Run("calendars", func(t *testing.T) {
			const noor = "noor.haddad@harbourline.example"
			boxes := got(c.Mailboxes(ctx, harbourline))(t, "Mailboxes")
			held := got(c.CalendarAccessOf(ctx, harbourline, ref("", noor), boxes))(t, "CalendarAccessOf")
			if len(held) != 1 || held[0].Mailbox.UserPrincipalName != "gareth.pell@harbourline.example" || !slices.Equal(held[0].AccessRights, []string{"Editor"}) {
				t.Fatalf("%+v", held)
			}
			box := ref(held[0].Mailbox.ExchangeGUID, "")
			done("RemoveCalendarPermission", c.RemoveCalendarPermission(ctx, harbourline, box, held[0].Folder, noor))
			if p := got(c.CalendarPermissionOf(ctx, harbourline, held[0].Folder, noor))(t, "CalendarPermissionOf"); p != nil {
				t.Errorf("%+v", p)
			}
			done("AddCalendarPermission", c.AddCalendarPermission(ctx, harbourline, box, held[0].CalendarPermission, noor))
			if p := got(c.CalendarPermissionOf(ctx, harbourline, held[0].Folder, noor))(t, "CalendarPermissionOf"); p == nil || p.SharingPermissionFlags != held[0].SharingPermissionFlags {
				t.Errorf("%+v, was %+v", p, held[0])
			}
		})
	})
}

// A directory role is given and taken by the application only where it may: nobody consented to that here.
func TestSandboxRolesNeedTheirPermission(t *testing.T) {
	eachWay(t, func(t *testing.T, _ *sandbox.Server, c *graphclient.Client) {
		if err := c.AssignRole(ctx, harbourline, dana, "fe930be7-5e62-47db-91af-98c3a49a38b1", "/"); graphclient.KindOf(err) != graphclient.Denied {
			t.Errorf("%v", err)
		}
		if err := c.RemoveRoleAssignment(ctx, harbourline, "05c7319f-65fc-4eb5-a9ce-253867e88b2e"); graphclient.KindOf(err) != graphclient.Denied {
			t.Errorf("%v", err)
		}
	})
}
