package cloud

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// loaded is a state file as read, before a cloud takes it over.
type loaded struct {
	now      time.Time
	frozen   bool
	declared string
	ids      *IDs
	partner  Partner
	tenants  []*Tenant
	ipIntel  Object
}

func parse(state string, clock string, seed int64) (*loaded, error) {
	l := &loaded{ids: NewIDs(seed), now: time.Now().UTC()}
	root, ok := readState(state)
	if !ok {
		dec := json.NewDecoder(strings.NewReader(state))
		if err := dec.Decode(&root); err != nil {
			return nil, fmt.Errorf("state file: %w", err)
		}
		if _, err := dec.Token(); err != io.EOF {
			return nil, fmt.Errorf("state file: something follows the JSON object")
		}
	}
	if err := known(root, "state file", "clock", "partner", "tenants", "ipIntel"); err != nil {
		return nil, err
	}
	l.declared = Str(root, "clock")
	if err := l.startClock(clock); err != nil {
		return nil, err
	}
	if err := resolveTimes(root, l.now, "state file"); err != nil {
		return nil, err
	}
	l.ipIntel = Child(root, "ipIntel")
	list, ok := root["tenants"].([]any)
	if root["tenants"] != nil && !ok {
		return nil, fmt.Errorf("state file: tenants must be a list")
	}
	seen := map[string]bool{}
	for i, v := range list {
		path := fmt.Sprintf("tenants[%d]", i)
		o, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s must be an object", path)
		}
		t, err := loadTenant(o, path)
		if err != nil {
			return nil, err
		}
		if seen[t.ID] {
			return nil, fmt.Errorf("%s: tenant %s is there twice", path, t.ID)
		}
		seen[t.ID] = true
		l.tenants = append(l.tenants, t)
	}
	if p := Child(root, "partner"); p != nil {
		if err := l.loadPartner(p); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *loaded) startClock(clock string) error {
	if clock == "" {
		clock = l.declared
	}
	if clock == "" {
		return nil
	}
	at, rest, _ := strings.Cut(clock, ",")
	if rest != "" && rest != "frozen" {
		return fmt.Errorf("clock %q: after the comma only \"frozen\" can stand", clock)
	}
	now, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return fmt.Errorf("clock %q is no time like 2026-03-12T15:00:00Z", clock)
	}
	l.now, l.frozen = now.UTC(), rest == "frozen"
	return nil
}

func (l *loaded) loadPartner(o Object) error {
	if err := known(o, "partner", append([]string{"applications", "users"}, tenantKeys...)...); err != nil {
		return err
	}
	home := Object{}
	for k, v := range o {
		if k != "applications" && k != "users" {
			home[k] = v
		}
	}
	if Str(home, "defaultDomain") == "" {
		home["defaultDomain"] = "partner.onmicrosoft.com"
	}
	t, err := loadTenant(home, "partner")
	if err != nil {
		return err
	}
	for _, other := range l.tenants {
		if strings.EqualFold(other.ID, t.ID) {
			return fmt.Errorf("partner: tenant %s is also listed under tenants; describe it in one place", t.ID)
		}
	}
	t.partner = true
	l.tenants = append([]*Tenant{t}, l.tenants...)
	l.partner = Partner{TenantID: t.ID, DisplayName: t.DisplayName}
	for i, a := range Objects(o, "applications") {
		path := fmt.Sprintf("partner.applications[%d]", i)
		if err := known(a, path, "appId", "displayName", "secret", "secretEndDateTime", "certificates", "isFallbackPublicClient"); err != nil {
			return err
		}
		app := Application{AppID: Str(a, "appId"), DisplayName: Str(a, "displayName"), Secret: Str(a, "secret"), Certificates: Strings(a, "certificates"), PublicClient: Bool(a, "isFallbackPublicClient")}
		if s := Str(a, "secretEndDateTime"); s != "" {
			if app.SecretEnds, err = time.Parse(time.RFC3339, s); err != nil {
				return fmt.Errorf("%s.secretEndDateTime: %w", path, err)
			}
		}
		if !IsGUID(app.AppID) {
			return fmt.Errorf("%s.appId must be a GUID", path)
		}
		l.partner.Applications = append(l.partner.Applications, app)
	}
	for i, u := range Objects(o, "users") {
		path := fmt.Sprintf("partner.users[%d]", i)
		if err := known(u, path, "id", "userPrincipalName", "refreshToken", "mfa", "revoked", "gdapGroups"); err != nil {
			return err
		}
		pu := PartnerUser{ID: Str(u, "id"), UserPrincipalName: Str(u, "userPrincipalName"), RefreshToken: Str(u, "refreshToken"),
			MFA: Bool(u, "mfa"), Revoked: Bool(u, "revoked")}
		if u["gdapGroups"] != nil {
			pu.GDAPGroups = append([]string{}, Strings(u, "gdapGroups")...)
		}
		if pu.ID == "" {
			pu.ID = DerivedID(t.ID, "partnerUser", pu.UserPrincipalName)
		}
		l.partner.Users = append(l.partner.Users, pu)
	}
	return nil
}

func loadTenant(o Object, path string) (*Tenant, error) {
	if err := known(o, path, tenantKeys...); err != nil {
		return nil, err
	}
	t := &Tenant{ID: strings.ToLower(Str(o, "tenantId")), DisplayName: Str(o, "displayName"), DefaultDomain: Str(o, "defaultDomain"),
		Features: orEmpty(Child(o, "features")), Policies: orEmpty(Child(o, "policies")), GDAP: Child(o, "gdap"),
		Operator: Child(o, "operator"), Domains: Objects(o, "domains"), Faults: List(o, "faults"), Exchange: orEmpty(Child(o, "exchange")),
		graph: map[string]*Collection{}, byUPN: map[string]Object{}, memberOf: map[string]map[string]bool{}}
	if !IsGUID(t.ID) {
		return nil, fmt.Errorf("%s.tenantId must be a GUID", path)
	}
	if t.DefaultDomain == "" {
		return nil, fmt.Errorf("%s.defaultDomain is missing", path)
	}
	for _, c := range []struct {
		o    Object
		name string
		keys []string
	}{{t.Features, "features", featureKeys}, {t.Policies, "policies", policyKeys}, {t.GDAP, "gdap", gdapKeys},
		{t.Operator, "operator", operatorKeys}, {t.Exchange, "exchange", exchangeKeys}} {
		if err := known(c.o, path+"."+c.name, c.keys...); err != nil {
			return nil, err
		}
	}
	for i, c := range Objects(o, "consents") {
		p := fmt.Sprintf("%s.consents[%d]", path, i)
		if err := known(c, p, "appId", "appRoles", "scopes", "exchangeAppRole", "sharePointAppRole", "directoryRoles", "objectId"); err != nil {
			return nil, err
		}
		consent := Consent{AppID: Str(c, "appId"), AppRoles: Strings(c, "appRoles"), ExchangeAppRole: Bool(c, "exchangeAppRole"), SharePointRole: Bool(c, "sharePointAppRole"),
			DirectoryRoles: Strings(c, "directoryRoles"), ObjectID: Str(c, "objectId")}
		if c["scopes"] != nil {
			consent.Scopes = append([]string{}, Strings(c, "scopes")...)
		}
		for _, r := range consent.DirectoryRoles {
			if _, ok := RoleByName(r); !ok {
				return nil, fmt.Errorf("%s.directoryRoles: no built-in role is called %q", p, r)
			}
		}
		if consent.ObjectID == "" {
			consent.ObjectID = DerivedID(t.ID, "servicePrincipal", strings.ToLower(consent.AppID))
		}
		t.Consents = append(t.Consents, consent)
	}
	for _, r := range Strings(t.GDAP, "roles") {
		if _, ok := RoleByName(r); !ok {
			return nil, fmt.Errorf("%s.gdap.roles: no built-in role is called %q", path, r)
		}
	}
	for _, row := range Objects(t.Exchange, "unifiedAuditLog") {
		zoned := false // a record's time is UTC, and the log does not say so
		auditTexts(row, func(name, value string) { zoned = zoned || name == "CreationTime" && strings.HasSuffix(value, "Z") })
		if zoned {
			data := AuditData(row)
			data["CreationTime"] = strings.TrimSuffix(Str(data, "CreationTime"), "Z")
			row["AuditData"] = data
		}
	}
	if err := t.loadDomains(path); err != nil {
		return nil, err
	}
	return t, t.loadGraph(orEmpty(Child(o, "graph")), path+".graph")
}

func (t *Tenant) loadDomains(path string) error {
	hasDefault := false
	for i, d := range t.Domains {
		if err := known(d, fmt.Sprintf("%s.domains[%d]", path, i), domainKeys...); err != nil {
			return err
		}
		hasDefault = hasDefault || Bool(d, "isDefault")
	}
	if t.Domain(t.DefaultDomain) == nil {
		t.Domains = append([]Object{{"id": t.DefaultDomain, "isDefault": !hasDefault, "isVerified": true,
			"isInitial": strings.HasSuffix(strings.ToLower(t.DefaultDomain), ".onmicrosoft.com")}}, t.Domains...)
	}
	return nil
}

func orEmpty(o Object) Object {
	if o == nil {
		return Object{}
	}
	return o
}
