package sharepoint

import (
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// ProvisioningDelay is how long SharePoint takes to make a OneDrive that was ordered.
const ProvisioningDelay = 4 * time.Minute

// mostUsers is how many OneDrives one order takes.
const mostUsers = 200

// requestPersonalSites orders OneDrives for users, by their sign-in names. Who has one keeps it; who is not licensed, or
// may not sign in, gets none, and nobody is told.
// https://learn.microsoft.com/sharepoint/pre-provision-accounts
func (q *query) requestPersonalSites(p parameter) (any, *problem) {
	if len(p.List) == 0 || len(p.List) > mostUsers {
		return nil, &problem{-2147024809, "System.ArgumentException", "The number of users must be between 1 and 200."}
	}
	for _, x := range p.List {
		u := q.t.User(strings.TrimSpace(x.Text))
		if u == nil || len(cloud.Child(u, "drive")) > 0 || !cloud.Bool(u, "accountEnabled") || !q.t.HasPlan(u, "SHAREPOINT") {
			continue
		}
		id := cloud.Str(u, "id")
		q.t.After(ProvisioningDelay, func() {
			if u := q.t.User(id); u != nil && len(cloud.Child(u, "drive")) == 0 {
				u["drive"] = cloud.Object{"quota": cloud.Object{"state": "normal", "used": float64(0), "deleted": float64(0), "total": float64(1 << 40), "remaining": float64(1 << 40)}}
			}
		})
	}
	return sitesOperation{}, nil
}
