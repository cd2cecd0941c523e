package cloud

import "strings"

// SharePointName is the organisation's name in the addresses of its sites.
func (t *Tenant) SharePointName() string {
	name, _, _ := strings.Cut(strings.ToLower(t.InitialDomain()), ".")
	return name
}

// PersonalSite is the address of the site in which a user's OneDrive is. The caller holds the tenant's lock.
func (t *Tenant) PersonalSite(u Object) string {
	if s := Str(Child(u, "drive"), "webUrl"); s != "" {
		return s[:max(strings.LastIndexByte(s, '/'), 0)]
	}
	return "https://" + t.SharePointName() + "-my.sharepoint.com/personal/" + strings.NewReplacer("@", "_", ".", "_").Replace(strings.ToLower(Str(u, "userPrincipalName")))
}
