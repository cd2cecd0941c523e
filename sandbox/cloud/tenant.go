package cloud

import (
	"strings"
	"sync"
	"time"
)

// Tenant is one Microsoft 365 organisation. Everything in it is guarded by its lock: a request takes
// Lock to write and RLock to read, and keeps no object after it has let go.
type Tenant struct {
	ID, DisplayName, DefaultDomain string

	// Features: entra (free, P1, P2), signInApi, unifiedAuditLog, mailItemsAccessed, entraLogDays,
	// ualDays, ualLagMinutes, auditQuerySeconds, passwordWriteback, syncOverwritesAccountEnabled, intune, ...
	Features Object
	Policies Object
	GDAP     Object
	Consents []Consent
	Operator Object
	Domains  []Object
	Faults   []any
	Exchange Object // sections of the state file: lists of objects, or one object

	graph    map[string]*Collection
	byUPN    map[string]Object
	memberOf map[string]map[string]bool // member id → ids of the groups it is a direct member of
	cloud    *Cloud
	partner  bool

	auditMu    sync.Mutex
	auditIndex auditIndex
	traceIndex traceIndex
	logIndexes map[string]*logIndex

	mu      sync.RWMutex
	lagMu   sync.Mutex
	stale   map[string]past
	pending []later
	changes []Change
}

// Consent is an application's service principal in the tenant: what an administrator has granted it.
type Consent struct {
	AppID           string
	AppRoles        []string
	Scopes          []string // delegated; nil: the names of AppRoles
	ExchangeAppRole bool     // Exchange.ManageAsApp
	SharePointRole  bool     // Sites.FullControl.All of SharePoint itself
	DirectoryRoles  []string // display names
	ObjectID        string   // the service principal's id
}

// Lock takes the tenant for writing and lets every delayed effect that is due happen first.
func (t *Tenant) Lock() {
	t.mu.Lock()
	t.settle()
}

// Unlock lets go of a tenant taken by Lock.
func (t *Tenant) Unlock() { t.mu.Unlock() }

// RLock takes the tenant for reading.
func (t *Tenant) RLock() {
	for {
		t.mu.RLock()
		if !t.due() {
			return
		}
		t.mu.RUnlock()
		t.catchUp()
	}
}

func (t *Tenant) catchUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
}

// RUnlock lets go of a tenant taken by RLock.
func (t *Tenant) RUnlock() { t.mu.RUnlock() }

// Cloud is the cloud the tenant is part of.
func (t *Tenant) Cloud() *Cloud { return t.cloud }

// Now is the simulated time.
func (t *Tenant) Now() time.Time { return t.cloud.Now() }

// NewID is a fresh UUID.
func (t *Tenant) NewID() string { return t.cloud.NewID() }

// IsPartner says whether this is the managing organisation's own tenant.
func (t *Tenant) IsPartner() bool { return t.partner }

// VerifiedDomains is the name of every verified domain, the default one first.
func (t *Tenant) VerifiedDomains() []string {
	out := []string{t.DefaultDomain}
	for _, d := range t.Domains {
		if id := Str(d, "id"); Bool(d, "isVerified") && !strings.EqualFold(id, t.DefaultDomain) {
			out = append(out, id)
		}
	}
	return out
}

// InitialDomain is the onmicrosoft.com domain with which the tenant was born.
func (t *Tenant) InitialDomain() string {
	for _, d := range t.Domains {
		if Bool(d, "isInitial") {
			return Str(d, "id")
		}
	}
	return t.DefaultDomain
}

// Domain is the domain with that name, or nil.
func (t *Tenant) Domain(name string) Object {
	for _, d := range t.Domains {
		if strings.EqualFold(Str(d, "id"), name) {
			return d
		}
	}
	return nil
}

// Premium says whether the tenant has Entra ID P1 or P2.
func (t *Tenant) Premium() bool {
	e := strings.ToUpper(Str(t.Features, "entra"))
	return e == "P1" || e == "P2"
}

// PremiumP2 says whether the tenant has Entra ID P2.
func (t *Tenant) PremiumP2() bool { return strings.EqualFold(Str(t.Features, "entra"), "P2") }

// Defender says whether the tenant has one of the Defender products; without a word about it, where it has Entra ID P2,
// which comes with the same suite.
func (t *Tenant) Defender() bool {
	if v, ok := t.Features["defender"].(bool); ok {
		return v
	}
	return t.PremiumP2()
}

// Consent is what was granted to an application here, or nil.
func (t *Tenant) Consent(appID string) *Consent {
	for i := range t.Consents {
		if strings.EqualFold(t.Consents[i].AppID, appID) {
			return &t.Consents[i]
		}
	}
	return nil
}

// Collection is a section of the tenant's graph (users, groups, devices, ...); an unknown name is an
// empty collection that is kept.
func (t *Tenant) Collection(name string) *Collection {
	c := t.graph[name]
	if c == nil {
		return newCollection(nil)
	}
	return c
}

// Users is the tenant's users.
func (t *Tenant) Users() *Collection { return t.Collection("users") }

// Groups is the tenant's groups.
func (t *Tenant) Groups() *Collection { return t.Collection("groups") }

// PassAllowed says whether the tenant's policy lets users have a Temporary Access Pass.
func (t *Tenant) PassAllowed() bool {
	switch v := t.Policies["temporaryAccessPass"].(type) {
	case bool:
		return v
	case map[string]any:
		return v["isEnabled"] != false
	}
	return false
}
