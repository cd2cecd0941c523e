package cloud

import (
	"encoding/json"
)

// Save writes the whole cloud as it is now, in the format of the state file.
func (c *Cloud) Save() ([]byte, error) {
	root := Object{"clock": c.Now().Format("2006-01-02T15:04:05Z07:00")}
	if c.Clock.Frozen() {
		root["clock"] = root["clock"].(string) + ",frozen"
	}
	c.mu.RLock()
	partner, intel := c.partner, c.ipIntel
	c.mu.RUnlock()
	if intel != nil {
		root["ipIntel"] = intel
	}
	tenants := []any{}
	for _, t := range c.Tenants() {
		// Copied under the lock: encoding may take its time.
		t.RLock()
		o := Copy(t.save())
		t.RUnlock()
		if t.IsPartner() {
			partner.saveInto(o)
			root["partner"] = o
			continue
		}
		tenants = append(tenants, o)
	}
	root["tenants"] = tenants
	return json.MarshalIndent(root, "", "  ")
}

func (p Partner) saveInto(o Object) {
	apps, users := []any{}, []any{}
	for _, a := range p.Applications {
		m := Object{"appId": a.AppID, "secret": a.Secret, "certificates": anyStrings(a.Certificates)}
		if a.DisplayName != "" {
			m["displayName"] = a.DisplayName
		}
		if !a.SecretEnds.IsZero() {
			m["secretEndDateTime"] = Stamp(a.SecretEnds)
		}
		if a.PublicClient {
			m["isFallbackPublicClient"] = true
		}
		apps = append(apps, m)
	}
	for _, u := range p.Users {
		m := Object{"id": u.ID, "userPrincipalName": u.UserPrincipalName, "refreshToken": u.RefreshToken, "mfa": u.MFA, "revoked": u.Revoked}
		if u.GDAPGroups != nil {
			m["gdapGroups"] = anyStrings(u.GDAPGroups)
		}
		users = append(users, m)
	}
	o["applications"], o["users"] = apps, users
}

func (t *Tenant) save() Object {
	o := Object{"tenantId": t.ID, "displayName": t.DisplayName, "defaultDomain": t.DefaultDomain, "domains": Rows(t.Domains),
		"features": t.Features, "policies": t.Policies, "exchange": t.Exchange}
	if t.GDAP != nil {
		o["gdap"] = t.GDAP
	}
	if t.Operator != nil {
		o["operator"] = t.Operator
	}
	if t.Faults != nil {
		o["faults"] = t.Faults
	}
	consents := []any{}
	for _, c := range t.Consents {
		m := Object{"appId": c.AppID, "appRoles": anyStrings(c.AppRoles), "exchangeAppRole": c.ExchangeAppRole,
			"directoryRoles": anyStrings(c.DirectoryRoles), "objectId": c.ObjectID}
		if c.SharePointRole {
			m["sharePointAppRole"] = true
		}
		if c.Scopes != nil {
			m["scopes"] = anyStrings(c.Scopes)
		}
		consents = append(consents, m)
	}
	o["consents"] = consents
	graph := Object{}
	for name, c := range t.graph {
		switch {
		case name == "organization":
			graph[name] = c.rows[0]
		case len(c.rows) > 0:
			graph[name] = Rows(c.rows)
		}
	}
	o["graph"] = graph
	return o
}

func anyStrings(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
