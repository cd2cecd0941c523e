// Package cloud is the state of the simulated Microsoft cloud: tenants, their directory objects and
// their Exchange organisation, the clock, the source of ids, and what is derived from them. It knows
// nothing of HTTP.
package cloud

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// Cloud is the whole simulated cloud.
type Cloud struct {
	Clock *Clock
	IDs   *IDs

	mu       sync.RWMutex
	partner  Partner
	tenants  []*Tenant
	index    map[string]*Tenant // GUID and verified domains, lower case
	ipIntel  Object
	declared string // the state file's clock, "" where it has none

	initial string
	seed    int64
	clock   string
}

// New loads a state file. clock is "", "2026-03-12T15:00:00Z" or "2026-03-12T15:00:00Z,frozen"; empty
// means the state file's own clock and, failing that, the machine's time. seed decides every new id.
func New(state []byte, clock string, seed int64) (*Cloud, error) {
	c := &Cloud{initial: string(state), seed: seed, clock: clock, Clock: NewClock(time.Now(), false), IDs: NewIDs(seed)}
	if err := c.Reset(); err != nil {
		return nil, err
	}
	return c, nil
}

// Reset goes back to the state, the time and the ids with which the cloud was made.
func (c *Cloud) Reset() error {
	l, err := parse(c.initial, c.clock, c.seed)
	if err != nil {
		return err
	}
	c.Clock.Set(l.now, l.frozen)
	c.IDs.mu.Lock()
	c.IDs.r = l.ids.r
	c.IDs.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.partner, c.tenants, c.ipIntel, c.declared = l.partner, l.tenants, l.ipIntel, l.declared
	c.index = map[string]*Tenant{}
	c.nameApplications()
	for _, t := range c.tenants {
		t.cloud = c
		c.index[strings.ToLower(t.ID)] = t
	}
	for _, t := range c.tenants {
		for _, d := range t.VerifiedDomains() {
			d = strings.ToLower(d)
			if o, taken := c.index[d]; taken && o != t {
				return fmt.Errorf("domain %s is verified in tenant %s and in tenant %s", d, o.ID, t.ID)
			}
			c.index[d] = t
		}
	}
	return nil
}

// nameApplications gives the service principals of the partner's applications their name and home.
func (c *Cloud) nameApplications() {
	for i := range c.partner.Applications {
		a := &c.partner.Applications[i]
		if a.DisplayName == "" {
			a.DisplayName = c.partner.DisplayName
		}
		name := a.DisplayName
		for _, t := range c.tenants {
			for _, sp := range t.Collection("servicePrincipals").All() {
				if strings.EqualFold(Str(sp, "appId"), a.AppID) && Str(sp, "displayName") == "" {
					sp["displayName"], sp["appDisplayName"], sp["appOwnerOrganizationId"] = name, name, c.partner.TenantID
				}
			}
		}
	}
}

// Tenant is the tenant with that GUID or verified domain, or nil.
func (c *Cloud) Tenant(idOrDomain string) *Tenant {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.index[strings.ToLower(strings.TrimSpace(idOrDomain))]
}

// Tenants is every tenant, the partner's own included, in the order of the state file.
func (c *Cloud) Tenants() []*Tenant {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return append([]*Tenant(nil), c.tenants...)
}

// Customers is every tenant but the partner's own.
func (c *Cloud) Customers() []*Tenant {
	var out []*Tenant
	for _, t := range c.Tenants() {
		if !t.IsPartner() {
			out = append(out, t)
		}
	}
	return out
}

// Partner is who manages the tenants: its applications and its users with their refresh tokens. It is
// set when the state is loaded and only read afterwards.
func (c *Cloud) Partner() Partner {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.partner
}

// IPIntel is what the state file says of addresses.
func (c *Cloud) IPIntel() Object {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.ipIntel
}

// NewID is a fresh UUID.
func (c *Cloud) NewID() string { return c.IDs.New() }

// Now is the simulated time.
func (c *Cloud) Now() time.Time { return c.Clock.Now() }

// Partner is the managing organisation: a tenant with applications and users of its own.
type Partner struct {
	TenantID     string
	DisplayName  string
	Applications []Application
	Users        []PartnerUser
}

// Application is a multi-tenant application registered in the partner's tenant.
type Application struct {
	AppID        string
	DisplayName  string
	Secret       string
	SecretEnds   time.Time // zero: does not expire
	Certificates []string  // PEM: certificate, and the private key where the state holds it
	// PublicClient lets people sign in through it who have no secret of its: "allow public client flows".
	PublicClient bool
}

// PartnerUser is an administrator of the partner who signs in to customers by GDAP.
type PartnerUser struct {
	ID, UserPrincipalName, RefreshToken string
	MFA                                 bool
	Revoked                             bool     // sign-in sessions were revoked: AADSTS50173
	GDAPGroups                          []string // nil: not stated, all of them
}

// Application is the partner's application with that appId, or nil.
func (p Partner) Application(appID string) *Application {
	for i := range p.Applications {
		if strings.EqualFold(p.Applications[i].AppID, appID) {
			return &p.Applications[i]
		}
	}
	return nil
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
