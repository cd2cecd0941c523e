package tools

import (
	"context"
	"fmt"
	"time"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

const pushTool = "cipp_send_mfa_push"

var sendMFAPush = Write(Tool{
	Name: pushTool, Title: "Send an MFA push", Toolset: "security", Risk: policy.Destructive, Extra: true, Aliases: userAliases,
	Description: "Sends a test push to a user's authenticator and says what became of it, where the operator has switched that on: for each a short-lived secret goes onto Microsoft's MFA application in the tenant. To see methods use cipp_get_user.",
	Needs:       Needs{App: []string{"Application.ReadWrite.All", "UserAuthenticationMethod.Read.All"}, GDAPRoles: []string{"Cloud Application Administrator", "Global Reader"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(ctx context.Context, c *Call, _ UserWriteIn) (Work, error) {
	why, err := c.mayPush(ctx)
	return Work{Steps: workflows.SendPush(c.target(), why)}, err
})

// mayPush says why no push may be sent now, "" when one may.
func (c *Call) mayPush(ctx context.Context) (string, error) {
	o := c.Policy.Config.MFAPush
	if !o.Enabled {
		return "this server sends no pushes; the operator switches them on with mfaPush.enabled, after reading what that puts into the customer's tenant", nil
	}
	runs, err := c.Policy.Ledger.Since(ctx, c.Clock.Now().Add(-time.Hour))
	if err != nil {
		return "", fmt.Errorf("%w: %w", policy.ErrState, err)
	}
	sent := 0
	for _, r := range runs {
		if r.Kind == pushTool && r.Run.TenantID == c.Tenant.ID && r.Run.UserID == c.User.ID && r.Run.ID != c.Run.ID && r.State != jobs.RunHeld && r.State != jobs.RunCancelled {
			sent++
		}
	}
	if sent >= o.MaxPerHour {
		return fmt.Sprintf("%d pushes were sent to %s within an hour, which is as many as the operator allows (mfaPush.maxPerHour): people who get many approve one", sent, c.User.UserPrincipalName), nil
	}
	return "", nil
}
