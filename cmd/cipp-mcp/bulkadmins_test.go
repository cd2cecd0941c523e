package main

import (
	"reflect"
	"strings"
	"testing"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/policy"
)

// Among many users an administrator is told by the tenant's lists; what is then planned is what would be planned for
// each user alone, by whatever way somebody is an administrator, and also where a list cannot be read.
func TestAmongManyEachUserIsGuardedAsAlone(t *testing.T) {
	ways := func(g, _ m) {
		group := groupOf(t, g, "Tier 1 Helpdesk")
		group["owners"] = append(group["owners"].([]any), userOf(t, g, priya)["id"])
		group["members"] = append(group["members"].([]any), userOf(t, g, dana)["id"])
		g["roleAssignments"] = append(g["roleAssignments"].([]any), m{"id": "au-role", "roleDefinitionId": userAdministrator, "principalId": userOf(t, g, "ruth.okafor@"+harbourline)["id"], "directoryScopeId": "/administrativeUnits/" + unit})
		g["roleEligibilitySchedules"] = []any{m{"id": "pim-role", "roleDefinitionId": userAdministrator, "principalId": userOf(t, g, "mei.chen@"+harbourline)["id"], "directoryScopeId": "/", "memberType": "Direct", "status": "Provisioned"}}
	}
	for name, faults := range map[string]string{
		"as it is":                         "",
		"what can be activated is refused": `[{"match":{"method":"GET","path":"/roleManagement/directory/roleEligibilitySchedules"},"do":{"status":403,"code":"Authorization_RequestDenied"}}]`,
		"the groups' owners are denied":    `[{"match":{"method":"GET","path":"/groups/*/owners"},"do":{"status":403,"code":"Authorization_RequestDenied"}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, story(t, ways))
			tenant, err := w.env.Graph.ResolveTenant(t.Context(), harbourline)
			if err != nil {
				t.Fatal(err)
			}
			var users []graphclient.User
			for page, err := range w.env.Graph.Users(t.Context(), tenant.ID, graphclient.UserQuery{Select: policy.GuardedUser}) {
				if err != nil {
					t.Fatal(err)
				}
				users = append(users, page.Users...)
			}
			if err := w.sandbox.SetFaults([]byte(faults)); err != nil {
				t.Fatal(err)
			}
			many := policy.Together(t.Context(), map[string]int{tenant.ID: len(users)})
			critical := 0
			for _, u := range users {
				req := policy.Request{Tool: "cipp_disable_user", Risk: policy.Destructive, Tenant: tenant, User: &u}
				alone, err := w.env.Policy.Look(t.Context(), req, w.env.Policy.NewRun(req.Tool, tenant, &u))
				if err != nil {
					t.Fatal(err)
				}
				among, err := w.env.Policy.Look(many, req, w.env.Policy.NewRun(req.Tool, tenant, &u))
				if err != nil || !reflect.DeepEqual(alone, among) {
					t.Errorf("%s: alone %+v, among many %+v, %v", u.UserPrincipalName, alone, among, err)
				}
				if alone.Risk == policy.Critical && strings.Contains(strings.Join(alone.Critical, " "), "is an administrator") {
					critical++
				}
			}
			if len(users) < 10 || critical < 4 || critical == len(users) {
				t.Errorf("%d of %d users are administrators", critical, len(users))
			}
		})
	}
}
