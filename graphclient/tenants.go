package graphclient

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/contracts"
	"github.com/microsoftgraph/msgraph-sdk-go/tenantrelationships"
	"golang.org/x/sync/errgroup"
)

const (
	largestRelationshipPage = 300                 // Microsoft's limit
	soon                    = 30 * 24 * time.Hour // a relationship that ends sooner counts as expiring
	listGoodFor             = 5 * time.Minute     // how long ResolveTenant trusts a list of tenants
)

// relationship is a GDAP relationship.
//
// Reference: https://learn.microsoft.com/graph/api/resources/delegatedadminrelationship
type relationship struct {
	Status             string     `json:"status"`
	EndDateTime        *time.Time `json:"endDateTime"`
	AutoExtendDuration string     `json:"autoExtendDuration"`
	Customer           *struct {
		TenantID    string `json:"tenantId"`
		DisplayName string `json:"displayName"`
	} `json:"customer"`
	AccessDetails struct {
		UnifiedRoles []struct {
			RoleDefinitionID string `json:"roleDefinitionId"`
		} `json:"unifiedRoles"`
	} `json:"accessDetails"`
}

func (r relationship) active() bool {
	return equalFold(r.Status, "active") || equalFold(r.Status, "expiring")
}

func (r relationship) extends() bool {
	return r.AutoExtendDuration != "" && !strings.EqualFold(r.AutoExtendDuration, "PT0S")
}

// contract is a reseller contract.
//
// Reference: https://learn.microsoft.com/graph/api/resources/contract
type contract struct {
	CustomerID        string `json:"customerId"`
	DisplayName       string `json:"displayName"`
	DefaultDomainName string `json:"defaultDomainName"`
}

// tenantLists keeps the last list of tenants for ResolveTenant, and what the operator's lists come down to.
type tenantLists struct {
	mu      sync.Mutex
	tenants []Tenant
	read    time.Time
	ids     map[string]string // domain of the operator's lists → tenant id
}

func newTenantLists() *tenantLists { return &tenantLists{ids: map[string]string{}} }

// Tenants lists the partner's customers, sorted by name, as the partner tenant knows them: GDAP
// relationships of any status and reseller contracts, read in parallel, with no call to any customer. A
// tenant that the operator's lists exclude is left out. Where the application's tenant is no partner the
// list is that tenant alone.
//
// GET /tenantRelationships/delegatedAdminRelationships, least permission DelegatedAdminRelationship.Read.All,
// and GET /contracts, least permission Directory.Read.All, both in the partner tenant. One of the two may be
// refused: the list is then made from the other.
//
// Reference: https://learn.microsoft.com/graph/api/tenantrelationship-list-delegatedadminrelationships
func (c *Client) Tenants(ctx context.Context) ([]Tenant, error) {
	home := c.cfg.Auth.TenantID
	var relations []relationship
	var agreed []contract
	var relationsErr, agreedErr error
	var g errgroup.Group
	g.Go(func() error {
		relations, relationsErr = all[relationship](ctx, c, read(home, "DelegatedAdminRelationship.Read.All", "DelegatedAdminRelationship.ReadWrite.All"), c.v1, 0, func() (*abs.RequestInformation, error) {
			b := tenantrelationships.NewDelegatedAdminRelationshipsRequestBuilderInternal(c.v1.path(), c.v1)
			return b.ToGetRequestInformation(ctx, &tenantrelationships.DelegatedAdminRelationshipsRequestBuilderGetRequestConfiguration{
				QueryParameters: &tenantrelationships.DelegatedAdminRelationshipsRequestBuilderGetQueryParameters{Top: opt(int32(largestRelationshipPage))}})
		})
		return nil
	})
	g.Go(func() error {
		agreed, agreedErr = all[contract](ctx, c, read(home, "Directory.Read.All", "Directory.ReadWrite.All"), c.v1, 0, func() (*abs.RequestInformation, error) {
			b := contracts.NewContractsRequestBuilderInternal(c.v1.path(), c.v1)
			return b.ToGetRequestInformation(ctx, &contracts.ContractsRequestBuilderGetRequestConfiguration{
				QueryParameters: &contracts.ContractsRequestBuilderGetQueryParameters{Top: opt(int32(largestPage))}})
		})
		return nil
	})
	_ = g.Wait()
	if relationsErr != nil && (agreedErr != nil || KindOf(relationsErr) != Denied && KindOf(relationsErr) != RoleMissing) {
		return c.onlyHome(ctx, relationsErr)
	}
	tenants := joinTenants(relations, agreed, c.clock.Now())
	if len(tenants) == 0 {
		return c.onlyHome(ctx, nil)
	}
	c.lists.mu.Lock()
	c.lists.tenants, c.lists.read = tenants, c.clock.Now()
	c.lists.mu.Unlock()
	return c.permitted(ctx, tenants)
}

// onlyHome is the list of a tenant that is no partner. why is what made the partner's list unreadable, if
// anything did; it is returned where not even the tenant itself can be read.
func (c *Client) onlyHome(ctx context.Context, why error) ([]Tenant, error) {
	if kind := KindOf(why); why != nil && kind != Denied && kind != RoleMissing && kind != NotFound && kind != Invalid {
		return nil, why
	}
	org, err := c.Organization(ctx, c.cfg.Auth.TenantID)
	if err != nil {
		if why == nil {
			why = err
		}
		return nil, why
	}
	t := Tenant{ID: org.ID, DisplayName: org.DisplayName, Health: HealthOK}
	for _, d := range org.VerifiedDomains {
		if d.IsDefault {
			t.DefaultDomain = d.Name
		}
		if d.IsInitial {
			t.InitialDomain = d.Name
		}
	}
	c.lists.mu.Lock()
	c.lists.tenants, c.lists.read = []Tenant{t}, c.clock.Now()
	c.lists.mu.Unlock()
	return c.permitted(ctx, []Tenant{t})
}

// joinTenants makes one Tenant of all relationships and contracts of a customer.
func joinTenants(relations []relationship, agreed []contract, now time.Time) []Tenant {
	type known struct {
		tenant  Tenant
		active  []relationship
		another string // status of a relationship that is not active
	}
	byID := map[string]*known{}
	of := func(id, name string) *known {
		id = strings.ToLower(id)
		k := byID[id]
		if k == nil {
			k = &known{tenant: Tenant{ID: id, DisplayName: name}}
			byID[id] = k
		}
		k.tenant.DisplayName = firstOf(k.tenant.DisplayName, name)
		return k
	}
	for _, r := range relations {
		if r.Customer == nil || r.Customer.TenantID == "" {
			continue // nobody has accepted it yet
		}
		k := of(r.Customer.TenantID, r.Customer.DisplayName)
		if r.active() {
			k.active = append(k.active, r)
		} else {
			k.another = r.Status
		}
	}
	for _, a := range agreed {
		if a.CustomerID == "" {
			continue
		}
		of(a.CustomerID, a.DisplayName).tenant.DefaultDomain = a.DefaultDomainName
	}
	tenants := make([]Tenant, 0, len(byID))
	for _, k := range byID {
		judge(&k.tenant, k.active, k.another, now)
		tenants = append(tenants, k.tenant)
	}
	slices.SortFunc(tenants, func(a, b Tenant) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)), strings.Compare(a.ID, b.ID))
	})
	return tenants
}

// judge fills in what the relationships say of a tenant's health.
func judge(t *Tenant, active []relationship, another string, now time.Time) {
	ending := len(active) > 0 // all of them, by Microsoft's own word
	for _, r := range active {
		ending = ending && equalFold(r.Status, "expiring")
		for _, role := range r.AccessDetails.UnifiedRoles {
			if !containsFold(t.Roles, role.RoleDefinitionID) {
				t.Roles = append(t.Roles, role.RoleDefinitionID)
			}
		}
		t.AutoExtend = t.AutoExtend || r.extends()
		if r.EndDateTime != nil && r.EndDateTime.After(t.RelationshipEnd) {
			t.RelationshipEnd = *r.EndDateTime
		}
	}
	slices.Sort(t.Roles)
	switch {
	case len(active) == 0 && another == "":
		t.Health, t.Reason = HealthUnknown, "There is a reseller contract but no GDAP relationship."
	case len(active) == 0:
		t.Health, t.Reason = HealthInactive, "The GDAP relationship is not active (status: "+cleanText(another, 40)+"). Ask the customer to accept a new one."
	case !t.AutoExtend && !t.RelationshipEnd.IsZero() && !t.RelationshipEnd.After(now):
		t.Health, t.Reason = HealthInactive, "The GDAP relationship ended on "+t.RelationshipEnd.Format(time.DateOnly)+"."
	case ending:
		t.Health, t.Reason = HealthExpiring, "The GDAP relationship is expiring, its end is "+t.RelationshipEnd.Format(time.DateOnly)+"."
	case !t.AutoExtend && !t.RelationshipEnd.IsZero() && t.RelationshipEnd.Sub(now) < soon:
		t.Health, t.Reason = HealthExpiring, "The GDAP relationship ends on "+t.RelationshipEnd.Format(time.DateOnly)+" and does not renew itself."
	default:
		t.Health = HealthOK
	}
}
