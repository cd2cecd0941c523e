// Package signin is the simulated Microsoft identity platform: discovery, token endpoints, keys, and the
// verification of access tokens.
package signin

import (
	"slices"

	"cipp-mcp/sandbox/cloud"
)

// Principal is who makes a request: what a verified access token says, and the directory roles its holder
// has in the tenant at this moment.
type Principal struct {
	Tenant   string // GUID of the tenant the token was issued for
	AppID    string
	AppName  string
	ObjectID string // of the service principal (app-only) or of the user (delegated)
	UPN      string // delegated only
	AppOnly  bool
	// Certificate says that the application proved itself by a certificate, not by a secret (appidacr 2).
	Certificate bool
	Audience    string
	Roles       []string // application permissions (app-only)
	Scopes      []string // delegated permissions
	Foreign     bool     // a partner's user, let in by a delegated admin relationship
	// DirectoryRoles is the built-in roles held: by the service principal (app-only), or granted by the
	// delegated admin relationship or assigned in the tenant (delegated).
	DirectoryRoles []cloud.Role
	// Exchange says whether the token may be used with Exchange Online at all: the app role
	// Exchange.ManageAsApp, or the delegated scope Exchange.Manage.
	Exchange bool
}

// HasRole says whether the principal holds one of the built-in roles, by display name.
func (p *Principal) HasRole(names ...string) bool {
	for _, r := range p.DirectoryRoles {
		if slices.Contains(names, r.Name) {
			return true
		}
	}
	return false
}

// Permissions is the token's roles or scopes, whichever it carries.
func (p *Principal) Permissions() []string {
	if p.AppOnly {
		return p.Roles
	}
	return p.Scopes
}

// Actor is the principal as audit rows name it.
func (p *Principal) Actor(ip string) cloud.Actor {
	a := cloud.Actor{IPAddress: ip}
	if p.AppOnly {
		a.AppID, a.AppName, a.ServicePrincipalID = p.AppID, p.AppName, p.ObjectID
	} else {
		a.UserID, a.UserPrincipalName = p.ObjectID, p.UPN
	}
	return a
}
