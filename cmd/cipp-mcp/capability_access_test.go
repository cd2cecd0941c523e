package main

import (
	"slices"
	"strings"
	"testing"
)

const (
	rolesGroup = "Tier 1 Helpdesk"
	crmApp     = "b5f1c7de-21f4-4b0d-9c36-5d4f5f5e1a01"
	crmSales   = "4b6f7a1e-3d5e-4f39-8f0c-91d1d0c2a701"
	crmRead    = "4b6f7a1e-3d5e-4f39-8f0c-91d1d0c2a702"
	flatApp    = "b5f1c7de-21f4-4b0d-9c36-5d4f5f5e1a02"
	crmUsers   = "470bc635-b219-4caf-8eef-da43ff1a1cb6"
)

// applied is the story with applications to assign, and a group that one is assigned to.
func applied(t *testing.T) worldOptions {
	return story(t, func(g, _ m) {
		role := func(id, name string) m {
			return m{"id": id, "displayName": name, "value": name, "allowedMemberTypes": []any{"User"}, "isEnabled": true, "description": name, "origin": "Application"}
		}
		g["servicePrincipals"] = []any{
			m{"id": crmApp, "appId": crmApp, "displayName": "Tideline CRM", "servicePrincipalType": "Application", "accountEnabled": true, "appRoles": []any{role(crmSales, "Sales"), role(crmRead, "Reader")}},
			m{"id": flatApp, "appId": flatApp, "displayName": "Manifest", "servicePrincipalType": "Application", "accountEnabled": true, "appRoles": []any{}},
		}
		g["appRoleAssignments"] = []any{m{"id": "assigned-1", "appRoleId": crmRead, "principalId": crmUsers, "principalType": "Group", "principalDisplayName": "CRM Users", "resourceId": crmApp, "resourceDisplayName": "Tideline CRM", "createdDateTime": "2026-01-02T00:00:00Z"}}
		groupOf(t, g, "O'Hare Route Planning")["description"] = "left out of MFA"
		for _, p := range g["conditionalAccessPolicies"].([]any) {
			p.(m)["conditions"].(m)["users"].(m)["excludeGroups"] = []any{groupOf(t, g, "O'Hare Route Planning")["id"]}
		}
	})
}

// mayGiveRoles is the story in which the application was consented to give directory roles.
func mayGiveRoles(t *testing.T) worldOptions {
	return worldOptions{flags: cloudFlags{sandbox: edited(t, func(tenant m) {
		for _, c := range tenant["consents"].([]any) {
			c.(m)["appRoles"] = append(c.(m)["appRoles"].([]any), "RoleManagement.ReadWrite.Directory", "RoleEligibilitySchedule.ReadWrite.Directory")
		}
	})}}
}

// withProfiles is that story with the operator's profiles.
func withProfiles(t *testing.T) worldOptions {
	o := applied(t)
	o.config = `
tools: {preset: all}
profiles:
  sales:
    description: inside sales
    groups: [Port Alerts]
    apps: ["Tideline CRM:Sales"]
    attributes: {department: Sales}
  warehouse:
    groups: [O'Hare Route Planning]
  helpdesk:
    directoryRoles: [Helpdesk Administrator]
  elsewhere:
    tenants: [brightwell.example]
    groups: [All Staff]
`
	return o
}

// joins proves that a user is made a member of a group and taken out again, and that what was shown is what is there.
func joins(group, kind, changes string) capability {
	return capability{
		tool: "cipp_set_group_membership", changes: []string{changes}, at: applied,
		does: func(w *world) {
			w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{group}))
			a := w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{group}))
			if !strings.Contains(a.text, "it is so already") {
				w.t.Errorf("%s", a.text)
			}
			if rows := w.exported(w.must("cipp_list_groups", in(harbourline, "type", kind, "format", "csv"))); !slices.ContainsFunc(rows, func(r []string) bool { return slices.Contains(r, group) }) {
				w.t.Errorf("the export of %s has no %s: %v", kind, group, rows)
			}
			w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "remove", []string{group}))
			w.unharmed(w.marked)
			w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{group}))
			if !slices.Contains(groupNames(w, priya), group) {
				w.t.Errorf("%s is not in %s", priya, group)
			}
		},
		fails: func(w *world) {
			w.blocked("takes only people with a mailbox", "cipp_set_group_membership", in(harbourline, "userId", stefan, "add", []string{group}))
			w.invalid("there is no group", "cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{group + "s"}))
		},
	}
}

// toggles takes a user into a group, out of it and into it again.
func (w *world) toggles(who, group string) {
	w.t.Helper()
	for _, is := range []bool{true, false, true} {
		w.done("cipp_set_group_membership", in(harbourline, "userId", who, map[bool]string{true: "add", false: "remove"}[is], []string{group}))
		if slices.Contains(groupNames(w, who), group) != is {
			w.t.Errorf("%s in %s is not %v", who, group, is)
		}
	}
}

func (c capability) called(what string) capability { c.what = what; return c }

// accessCapabilities are groups, roles, applications and profiles.
var accessCapabilities = map[string]capability{
	"G1": {
		what: "adds a user to several groups at once, by whatever service has them, and takes the user out", tool: "cipp_set_group_membership", at: applied, changes: []string{"/members"},
		does: func(w *world) {
			w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"Port Alerts", "O'Hare Route Planning", "Finance Approvers"}))
			w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "remove", []string{"Finance Approvers"}))
			have := groupNames(w, priya)
			if !slices.Contains(have, "Port Alerts") || !slices.Contains(have, "O'Hare Route Planning") || slices.Contains(have, "Finance Approvers") {
				w.t.Errorf("%v", have)
			}
		},
		fails: func(w *world) {
			w.blocked("by a rule", "cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"Everyone in Operations"}))
			w.blocked("synchronised", "cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"AD-Warehouse"}))
		},
	},
	"G2": joins("Port Alerts", "distribution", "/members").called("distribution lists, through Exchange"),
	"G3": {
		what: "security groups, with a word where one is excluded from Conditional Access", tool: "cipp_set_group_membership", at: applied, changes: []string{"/members"},
		does: func(w *world) {
			a := w.must("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"O'Hare Route Planning"}, "dryRun", true))
			if plan, _ := a.v["plan"].(map[string]any); plan["risk"] != "destructive" || !strings.Contains(a.text, "excluded from the Conditional Access policy") {
				w.t.Errorf("%s", a.text)
			}
			w.toggles(priya, "O'Hare Route Planning")
		},
		fails: func(w *world) {
			w.blocked("synchronised", "cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"AD-Warehouse"}))
		},
	},
	"G4": {
		what: "Microsoft 365 groups, never without an owner", tool: "cipp_set_group_membership", changes: []string{"/members"},
		does: func(w *world) {
			w.toggles(priya, "Rotterdam Project")
		},
		fails: func(w *world) {
			owner := w.owner("Rotterdam Project")
			w.done("cipp_set_group_membership", in(harbourline, "userId", owner, "add", []string{"Rotterdam Project"}))
			w.mark()
			w.blocked("only owner", "cipp_set_group_membership", in(harbourline, "userId", owner, "remove", []string{"Rotterdam Project"}))
		},
	},
	"G5": joins("Finance Approvers", "mailEnabledSecurity", "/members").called("mail-enabled security groups, through Exchange"),
	"G6": {
		what: "groups through which applications are given, and says which application", tool: "cipp_set_group_membership", at: applied, changes: []string{"/members"},
		does: func(w *world) {
			w.must("cipp_list_groups", in(harbourline, "type", "application")).row(w.t, "groups", "displayName", "CRM Users")
			a := w.must("cipp_set_group_membership", in(harbourline, "userId", gareth, "add", []string{"CRM Users"}, "dryRun", true))
			if !strings.Contains(a.text, "Tideline CRM") {
				w.t.Errorf("%s", a.text)
			}
			w.toggles(gareth, "CRM Users")
			if rows := w.exported(w.must("cipp_list_groups", in(harbourline, "type", "application", "format", "csv"))); len(rows) != 2 {
				w.t.Errorf("%v", rows)
			}
		},
		fails: func(w *world) {
			w.invalid("named twice", "cipp_set_group_membership", in(harbourline, "userId", gareth, "add", []string{"CRM Users", crmUsers}))
		},
	},
	"G7": {
		what: "lists all groups of a tenant by kind, with their flags", tool: "cipp_list_groups", at: applied,
		does: func(w *world) {
			a := w.must("cipp_list_groups", in(harbourline, "type", "m365"))
			a.row(w.t, "groups", "displayName", "Sales Team")
			if a.v["total"] != 3.0 {
				w.t.Errorf("%s", a.text)
			}
			for name, flag := range map[string]string{"Everyone in Operations": "dynamic", "AD-Warehouse": "synced", rolesGroup: "roleAssignable", "O'Hare Route Planning": "excludedFromCa"} {
				r := w.must("cipp_list_groups", in(harbourline, "search", name)).row(w.t, "groups", "displayName", name)
				if !strings.Contains(strings.Join(texts(r["flags"]), " "), flag) {
					w.t.Errorf("%v has no %s", r, flag)
				}
			}
		},
		fails: func(w *world) { w.invalid("must be one of", "cipp_list_groups", in(harbourline, "type", "mail")) },
	},
	"G8": {
		what: "gives and takes directory roles, preferably to be activated, and only with the operator's approval", tool: "cipp_set_directory_roles", at: mayGiveRoles, changes: []string{"/roleAssignments", "/roleEligibilitySchedules"},
		does: func(w *world) {
			w.must("cipp_list_access_catalog", in(harbourline, "kind", "directoryRole", "search", "helpdesk")).row(w.t, "items", "name", "Helpdesk Administrator")
			w.approves(w.held("cipp_set_directory_roles", in(harbourline, "userId", priya, "add", []string{"Helpdesk Administrator"}, "eligible", true)))
			w.approves(w.held("cipp_set_directory_roles", in(harbourline, "userId", dana, "add", []string{"Reports Reader"})))
			w.shows(priya, []string{"roles"}, "Helpdesk Administrator", "eligible")
			w.shows(dana, []string{"roles"}, "Reports Reader")
			w.approves(w.held("cipp_set_directory_roles", in(harbourline, "userId", dana, "remove", []string{"Reports Reader"})))
			if a := w.shows(dana, []string{"roles"}); strings.Contains(a.text, "Reports Reader") {
				w.t.Errorf("%s", a.text)
			}
			w.approves(w.held("cipp_set_directory_roles", in(harbourline, "userId", dana, "add", []string{"Reports Reader"})))
			if rows := w.exported(w.must("cipp_list_access_catalog", in(harbourline, "kind", "directoryRole", "format", "csv"))); len(rows) < 10 {
				w.t.Errorf("%v", rows)
			}
		},
		fails: func(w *world) {
			w.invalid("near it are", "cipp_set_directory_roles", in(harbourline, "userId", priya, "add", []string{"Helpdesk Admin"}))
		},
	},
	"F4": {
		what: "an administrator's part of the directory: a role limited to an administrative unit", tool: "cipp_set_directory_roles", at: mayGiveRoles, changes: []string{"/roleAssignments"},
		does: func(w *world) {
			w.approves(w.held("cipp_set_directory_roles", in(harbourline, "userId", priya, "add", []string{"User Administrator"}, "scope", unit)))
		},
		fails: func(w *world) {
			w.invalid("administrative unit", "cipp_set_directory_roles", in(harbourline, "userId", priya, "add", []string{"User Administrator"}, "scope", "Leith"))
		},
	},
	"G9": {
		what: "assigns enterprise applications and takes them away", tool: "cipp_set_app_assignments", at: applied, changes: []string{"/appRoleAssignments"},
		does: func(w *world) {
			w.must("cipp_list_access_catalog", in(harbourline, "kind", "application")).row(w.t, "items", "name", "Manifest")
			w.done("cipp_set_app_assignments", in(harbourline, "userId", priya, "add", []string{"Tideline CRM:Sales", "Manifest"}))
			w.done("cipp_set_app_assignments", in(harbourline, "userId", priya, "remove", []string{"Manifest"}))
			if a := w.shows(priya, []string{"apps"}, "«Tideline CRM» (User)"); strings.Contains(a.text, "Manifest") {
				w.t.Errorf("%s", a.text)
			}
			w.stands(leaves{"graph/appRoleAssignments/" + w.at("graph/users/"+priya+"/id").(string) + " " + crmApp + " " + crmSales: part(crmSales)})
		},
		fails: func(w *world) {
			w.invalid("several roles", "cipp_set_app_assignments", in(harbourline, "userId", priya, "add", []string{"Tideline CRM"}))
		},
	},
	"G11": {
		what: "the groups a user was in stand in the journal before they change", tool: "cipp_set_group_membership", changes: []string{"/members"},
		does: func(w *world) {
			a := w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"Port Alerts"}))
			lines := w.must("cipp_list_audit_logs", in(harbourline, "userId", priya, "source", "cipp-mcp"))
			if !strings.Contains(lines.text, a.v["jobId"].(string)) {
				w.t.Errorf("%s", lines.text)
			}
			_, record, err := w.resource(a.v["record"].(string))
			if err != nil || !strings.Contains(record, "Port Alerts") || !strings.Contains(record, "not a member") {
				w.t.Errorf("the record does not say what was before: %v %s", err, record)
			}
		},
		fails: func(w *world) {
			w.answer = func(string) bool { return false }
			w.must("cipp_set_group_membership", in(harbourline, "userId", priya, "add", []string{"Port Alerts"}))
		},
	},
	"E2": {
		what: "copies another user's groups, and says which cannot be copied", tool: "cipp_set_group_membership", changes: []string{"/members", "/assignedByGroup"},
		does: func(w *world) {
			w.done("cipp_set_group_membership", in(harbourline, "userId", priya, "copyFrom", gareth))
		},
		fails: func(w *world) {
			w.invalid("there is no user", "cipp_set_group_membership", in(harbourline, "userId", priya, "copyFrom", "nobody@"+harbourline))
		},
	},
	"F1": {
		what: "the operator's profiles: shows the difference, gives and takes what a job needs", tool: "cipp_apply_profile", at: withProfiles, changes: []string{"/members", "/appRoleAssignments", "/department"},
		does: func(w *world) {
			before := w.state()
			plan := w.must("cipp_apply_profile", in(harbourline, "userId", priya, "profile", "sales", "dryRun", true))
			for _, part := range []string{"Join the group", "Assign the application", "department"} {
				if !strings.Contains(plan.text, part) {
					w.t.Errorf("no %s in %s", part, plan.text)
				}
			}
			w.unharmed(before)
			w.done("cipp_apply_profile", in(harbourline, "userId", priya, "profile", "warehouse"))
			a := w.done("cipp_apply_profile", in(harbourline, "userId", priya, "profile", "sales", "mode", "reconcile")) // leaves the warehouse
			w.done("cipp_undo_job", m{"jobId": a.v["jobId"]})
			w.done("cipp_apply_profile", in(harbourline, "userId", priya, "profile", "warehouse", "mode", "remove"))
			w.unharmed(before)
			w.done("cipp_apply_profile", in(harbourline, "userId", priya, "profile", "sales"))
		},
		fails: func(w *world) {
			w.invalid("there are: helpdesk, sales, warehouse", "cipp_apply_profile", in(harbourline, "userId", priya, "profile", "elsewhere"))
			if a := w.must("cipp_apply_profile", in(harbourline, "userId", priya, "profile", "helpdesk")); a.v["approvalId"] == nil {
				w.t.Errorf("a role without the operator: %s", a.text)
			}
		},
	},
	"L19": {
		what: "lists the sites of a tenant, and the rights there are on them", tool: "cipp_list_access_catalog",
		does: func(w *world) {
			a := w.must("cipp_list_access_catalog", in(harbourline, "kind", "site"))
			for _, url := range []string{customsSite, customsSite + "/eu", projectsSite} {
				if !strings.Contains(a.text, url) {
					w.t.Errorf("no %s in %s", url, a.text)
				}
			}
			w.t.Run("and which of them a user may open", TestSitesOfAUser)
		},
		fails: func(w *world) {
			w.invalid("must be one of", "cipp_list_access_catalog", in(harbourline, "kind", "sites and lists"))
		},
	},
}

func texts(v any) []string {
	l, _ := v.([]any)
	var out []string
	for _, x := range l {
		s, _ := x.(string)
		out = append(out, s)
	}
	return out
}

// owner is the first owner of a group, by the sign-in name.
func (w *world) owner(group string) string {
	w.t.Helper()
	for _, u := range w.must("cipp_list_users", in(harbourline, "limit", 100)).list("users") {
		name := u["userPrincipalName"].(string)
		for _, g := range w.must("cipp_list_user_groups", in(harbourline, "userId", u["id"], "limit", 100)).list("groups") {
			if g["displayName"] == group && strings.Contains(strings.Join(texts(g["flags"]), " "), "owner") {
				return name
			}
		}
	}
	w.t.Fatalf("nobody owns %s", group)
	return ""
}
