package tools

import (
	"context"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// CreateTAPIn are the arguments of cipp_create_tap.
type CreateTAPIn struct {
	TenantArg
	UserArg
	LifetimeMinutes int    `json:"lifetimeMinutes,omitempty" jsonschema_description:"Absent: as the tenant's policy says."`
	UsableOnce      *bool  `json:"usableOnce,omitempty"`
	StartAt         string `json:"startAt,omitempty" jsonschema_description:"Later: time with offset."`
	WriteArgs
}

var createTAP = Write(Tool{
	Name: "cipp_create_tap", Title: "Create a Temporary Access Pass", Toolset: "security", Risk: policy.Destructive, Extra: true,
	Description: "Gives a user a Temporary Access Pass, in place of an earlier one, after a look at the tenant's policy. The result holds a handle, never the pass; a person reveals it with cipp-mcp secrets reveal.",
	Aliases:     with(userAliases, map[string]string{"lifetimeInMinutes": "lifetimeMinutes", "isUsableOnce": "usableOnce", "oneTime": "usableOnce", "startDateTime": "startAt"}),
	Needs: Needs{App: []string{"UserAuthenticationMethod.ReadWrite.All", "Policy.Read.All", "GroupMember.Read.All"}, AppRoles: nil,
		GDAPRoles: []string{"Authentication Administrator"}},
	Example: `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","usableOnce":true,"dryRun":true}`,
}, func(_ context.Context, c *Call, in CreateTAPIn) (Work, error) {
	n := graphclient.NewAccessPass{LifetimeInMinutes: in.LifetimeMinutes, IsUsableOnce: in.UsableOnce}
	if in.LifetimeMinutes != 0 && (in.LifetimeMinutes < 10 || in.LifetimeMinutes > 43200) {
		return Work{}, invalid("lifetimeMinutes must be between 10 and 43200, and within the tenant's policy.")
	}
	if in.StartAt != "" {
		at, err := time.Parse(time.RFC3339, in.StartAt)
		if err != nil {
			return Work{}, invalid("startAt must be a time with offset, like 2026-03-12T09:00:00+01:00.")
		}
		at = at.UTC()
		n.StartDateTime = &at
	}
	return Work{Steps: []jobs.Step{workflows.CreateAccessPass(c.target(), c.sealer(), n)}}, nil
})
