package graphclient

import "context"

// OrganizationConfig is the Exchange organization's configuration.
//
// Get-OrganizationConfig; least role Global Reader.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-organizationconfig
func (c *Client) OrganizationConfig(ctx context.Context, tid string) (OrganizationConfig, error) {
	return one[OrganizationConfig](ctx, c, tid, cmdlet{name: "Get-OrganizationConfig"})
}

// AdminAuditLogConfig says whether the unified audit log is kept.
//
// Get-AdminAuditLogConfig; least role View-Only Audit Logs.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-adminauditlogconfig
func (c *Client) AdminAuditLogConfig(ctx context.Context, tid string) (AdminAuditLogConfig, error) {
	return one[AdminAuditLogConfig](ctx, c, tid, cmdlet{name: "Get-AdminAuditLogConfig"})
}
