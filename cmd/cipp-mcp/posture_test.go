package main

import (
	"slices"
	"strings"
	"testing"

	"cipp-mcp/graphclient"
)

const crm = "7a1f6c52-0d6e-4b8c-9d61-1f0a3b5c7d9e" // the service principal of an application

// rich gives Dana something of everything an offboarding takes away.
func rich(t *testing.T, g, x m) {
	dana, box := userOf(t, g, dana), mailboxOf(t, x, dana)
	id := dana["id"].(string)
	dana["drive"] = m{"quota": m{"used": 5e9, "total": 1e12}}
	g["numberAssignments"] = []any{m{"id": "n1", "telephoneNumber": "+442079460111", "numberType": "directRouting", "assignmentStatus": "userAssigned", "assignmentTargetId": id, "assignmentCategory": "primary"},
		m{"id": "n2", "telephoneNumber": "+442079460112", "numberType": "callingPlan", "assignmentStatus": "unassigned"}}
	g["servicePrincipals"] = []any{m{"id": crm, "appId": "3d0e6f6a-4d7d-4d57-8b3b-0d7c9a7d2f11", "displayName": "Freight CRM", "servicePrincipalType": "Application"}}
	g["oauth2PermissionGrants"] = []any{m{"id": "grant-1", "clientId": crm, "consentType": "Principal", "principalId": id, "resourceId": crm, "scope": "Mail.Read offline_access"},
		m{"id": "grant-2", "clientId": crm, "consentType": "AllPrincipals", "resourceId": crm, "scope": "User.Read"}}
	g["appRoleAssignments"] = []any{m{"id": "assigned-1", "principalId": id, "principalType": "User", "resourceId": crm, "resourceDisplayName": "Freight CRM", "appRoleId": "00000000-0000-0000-0000-000000000000"}}
	box["HiddenInboxRules"] = []any{m{"Name": "helper", "RuleIdentity": "6420871193320448099", "Enabled": true, "SubjectContainsWords": []any{"invoice"}, "DeleteMessage": true}}
	box["InboxRules"] = append(box["InboxRules"].([]any), m{"Name": "To my assistant", "RuleIdentity": "6420871193320448002", "Enabled": false, "Priority": 2, "ForwardTo": []any{priya}})
	calendar := mailboxOf(t, x, ingrid)
	calendar["FolderPermissions"] = append(calendar["FolderPermissions"].([]any), m{"FolderName": "Calendar", "User": "Dana Whitfield", "UserPrincipalName": dana["userPrincipalName"], "AccessRights": []any{"Editor"}})
}

// trifles are what the sandbox writes out that it left out before, and books that are kept: none of it is
// anything the user, or anybody, has or has not.
var trifles = []string{"WhenChanged", "signInSessionsValidFromDateTime", "DeliverToMailboxAndForward: (none) → false", "HiddenFromAddressListsEnabled: (none) → false", "AutoReply/",
	`GrantSendOnBehalfTo: without ["dana.whitfield@harbourline.example"] → with ["5174a443-44b7-4574-ae30-ded055b2d4d6"]`} // the same person by another name

// After each posture and its undo the tenant differs from what it was by a list that is fixed here, and by
// nothing else.
func TestPosturesAreUndone(t *testing.T) {
	for posture, lasting := range map[string][]string{
		"standard": {
			"MobileDevices: without",         // partnerships are set up at the device
			"CalendarEvents: without",        // cancelled meetings stay cancelled
			"HiddenInboxRules", "InboxRules", // hidden rules stay away; others come back with another number
			"oauth2PermissionGrants/", "appRoleAssignments/", // the same rights under another id
			"lastUpdatedDateTime", // when the licence was assigned
			"MailboxPermissions/dana.whitfield@harbourline.example/AutoMapping", // nobody can read what it was
		},
		"termination": {
			"MobileDevices: without", "oauth2PermissionGrants/", "appRoleAssignments/", "MailboxPermissions/dana.whitfield@harbourline.example/AutoMapping",
			"authentication/methods",                        // only the user registers them again
			"lastPasswordChangeDateTime", "passwordProfile", // the old password is gone
			"drive/sharingCapability: (none) → 2", // what it was by the organisation's own setting
		},
		"contractor": {
			"MobileDevices: without", "CalendarEvents: without", "oauth2PermissionGrants/", "appRoleAssignments/", "lastUpdatedDateTime",
			"MailboxPermissions/dana.whitfield@harbourline.example/AutoMapping", "authentication/methods",
		},
	} {
		t.Run(posture, func(t *testing.T) {
			o := story(t, func(g, x m) { rich(t, g, x) })
			o.partner = posture == "termination" // Microsoft lets only people at the sharing of a OneDrive
			w := newWorld(t, o)
			before := w.state()
			h := w.history("cipp_offboard_user", in(harbourline, "userId", dana, "posture", posture))
			h.do()
			if n := len(w.changed(before)); n < 12 {
				t.Errorf("only %d differences: %v", n, w.changed(before))
			}
			h.undo()
			for _, c := range w.changed(before) {
				if !slices.ContainsFunc(append(slices.Clone(lasting), trifles...), func(e string) bool { return strings.Contains(c, e) }) {
					t.Errorf("still different: %s", c)
				}
			}
			for _, e := range lasting {
				if !slices.ContainsFunc(w.changed(before), func(c string) bool { return strings.Contains(c, e) }) {
					t.Errorf("%s is as it was, and was expected not to be", e)
				}
			}
			w.rightsAreBack(posture)
		})
	}
}

// rightsAreBack looks at what came back under another name.
func (w *world) rightsAreBack(posture string) {
	w.t.Helper()
	tenant, err := w.env.Graph.ResolveTenant(w.t.Context(), harbourline)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := w.env.Graph.User(w.t.Context(), tenant.ID, dana, "id")
	if err != nil {
		w.t.Fatal(err)
	}
	grants, gerr := w.env.Graph.OAuth2GrantsOf(w.t.Context(), tenant.ID, u.ID)
	assigned, aerr := w.env.Graph.AppRoleAssignmentsOf(w.t.Context(), tenant.ID, u.ID)
	rules, rerr := w.env.Graph.InboxRules(w.t.Context(), tenant.ID, graphclient.MailboxRef{ID: u.ID, UPN: dana})
	if gerr != nil || aerr != nil || rerr != nil {
		w.t.Fatal(gerr, aerr, rerr)
	}
	if len(grants) != 1 || grants[0].Scope != "Mail.Read offline_access" || len(assigned) != 1 || assigned[0].ResourceID != crm {
		w.t.Errorf("%+v %+v", grants, assigned)
	}
	find := func(name string) *graphclient.InboxRule {
		for _, r := range rules {
			if r.Name == name {
				return &r
			}
		}
		return nil
	}
	if r := find("Carrier newsletters"); r == nil || r.MoveToFolder != "Newsletters" || !slices.Equal(r.From, []string{"news@carrier-weekly.example"}) || !r.StopProcessingRules || !r.Enabled {
		w.t.Errorf("%+v", r)
	}
	if r := find("To my assistant"); r == nil || r.Enabled || !slices.Equal(r.ForwardTo, []string{priya}) {
		w.t.Errorf("%+v", r)
	}
	if hidden := find("helper") != nil; hidden != (posture != "standard") {
		w.t.Errorf("the hidden rule: %t", hidden)
	}
}

// What is given wins over the posture, the posture over the operator's default, and the result says which applied.
func TestWhichDefaultApplies(t *testing.T) {
	w := newWorld(t, worldOptions{config: "offboarding:\n  default: {hideFromGal: true, clearManager: true}\n  harbourline.example: {convertToShared: true, hideFromGal: false}\n"})
	plan := func(args ...any) answer {
		return w.must("cipp_offboard_user", in(harbourline, append([]any{"userId", dana, "dryRun", true}, args...)...))
	}
	if a := plan(); !strings.Contains(a.text, "convertToShared=true, hideFromGal=false by the operator's default (offboarding.harbourline.example)") ||
		!strings.Contains(a.text, "clearManager=true by the operator's default (offboarding.default)") || !strings.Contains(a.text, "convert-to-shared") || !strings.Contains(a.text, "clear-manager") {
		t.Errorf("%s", a.text)
	}
	a := plan("posture", "contractor", "removeLicenses", false)
	if !strings.Contains(a.text, "by posture contractor") || strings.Contains(a.text, "operator's default") || strings.Contains(a.text, "convert-to-shared") || strings.Contains(a.text, "remove-licenses") {
		t.Errorf("%s", a.text)
	}
	if a := plan("convertToShared", false); strings.Contains(a.text, "convert-to-shared") || strings.Contains(a.text, "convertToShared=") {
		t.Errorf("%s", a.text)
	}
}

// A default never stops a plan that the caller did not ask for: what cannot be done here is left to a person.
func TestAPostureFitsWhomeverItIsFor(t *testing.T) {
	w := newWorld(t, worldOptions{})
	for _, who := range []string{ingrid, "$scanner@" + harbourline, "anna_vendor-supplies.example#EXT#@harbourlinefreight.onmicrosoft.com"} {
		for posture := range map[string]bool{"standard": true, "termination": true, "contractor": true} {
			if a := w.must("cipp_offboard_user", in(harbourline, "userId", who, "posture", posture, "dryRun", true)); a.v["status"] != "planned" {
				t.Errorf("%s %s: %s", who, posture, a.text)
			}
		}
		if a := w.must("cipp_offboard_user", in(harbourline, "userId", who, "posture", "termination", "resetPassword", true, "dryRun", true)); a.v["status"] != "blocked" {
			t.Errorf("%s: %s", who, a.text)
		}
	}
}
