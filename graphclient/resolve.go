package graphclient

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

// ResolveTenant finds one tenant by id, by its default, initial or any other verified domain, or by its exact
// display name. A name that several tenants bear is kind TenantAmbiguous, one nobody bears TenantUnknown, both
// with Candidates; a tenant the operator's lists exclude is TenantDenied.
//
// Domains that the list of tenants does not show are looked up in the sign-in service's OpenID discovery,
// which needs no permission and knows every verified domain.
func (c *Client) ResolveTenant(ctx context.Context, filter string) (Tenant, error) {
	filter = strings.TrimSpace(filter)
	if filter == "" {
		return Tenant{}, &Error{Kind: TenantUnknown, Message: "No tenant was named. Give a domain or an id."}
	}
	tenants, listErr := c.recentTenants(ctx)
	isID := uuid.Validate(filter) == nil
	var named []Tenant
	for _, t := range tenants {
		if equalFold(t.ID, filter) || equalFold(t.DefaultDomain, filter) || equalFold(t.InitialDomain, filter) {
			return t, c.permitWished(ctx, t.ID)
		}
		if equalFold(t.DisplayName, filter) {
			named = append(named, t)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], c.permitWished(ctx, named[0].ID)
	case len(named) > 1:
		return Tenant{}, &Error{Kind: TenantAmbiguous, Candidates: tenantNames(named),
			Message: "Several tenants are called " + cleanText(filter, 120) + ". Name one by its domain or id."}
	case isID:
		return c.unlisted(ctx, filter, "", tenants, listErr)
	case strings.Contains(filter, "."):
		id, err := c.discover(ctx, filter)
		if err != nil {
			var e *Error
			if errors.As(err, &e) && e.Kind == TenantUnknown {
				e.Candidates = similar(tenants, filter)
			}
			return Tenant{}, err
		}
		for _, t := range tenants {
			if equalFold(t.ID, id) {
				if t.DefaultDomain == "" {
					t.DefaultDomain = strings.ToLower(filter)
				}
				return t, c.permitWished(ctx, id)
			}
		}
		return c.unlisted(ctx, id, filter, tenants, listErr)
	case listErr != nil:
		return Tenant{}, listErr
	}
	return Tenant{}, unknownTenant(filter, similar(tenants, filter))
}

// unlisted judges a tenant that exists, or may, but is not among the customers: the application's own tenant
// may be used; any other only if the operator names it, for a stranger's tenant must never be asked for a token.
func (c *Client) unlisted(ctx context.Context, id, domain string, tenants []Tenant, listErr error) (Tenant, error) {
	t := Tenant{ID: strings.ToLower(id), DisplayName: firstOf(domain, id), DefaultDomain: strings.ToLower(domain), Health: HealthUnknown,
		Reason: "The tenant is not among the partner's customers; it is known by configuration alone."}
	if equalFold(id, c.cfg.Auth.TenantID) {
		t.Health, t.Reason = HealthOK, ""
		return t, c.permitWished(ctx, id)
	}
	if len(c.cfg.Allow) > 0 && c.permitWished(ctx, id) == nil {
		return t, nil
	}
	if listErr != nil {
		return Tenant{}, listErr
	}
	return Tenant{}, unknownTenant(firstOf(domain, id), similar(tenants, domain))
}

func unknownTenant(name string, candidates []string) *Error {
	m := "No tenant of ours is called " + cleanText(name, 120) + "."
	if len(candidates) > 0 {
		m += " Did you mean " + cleanText(candidates[0], 120) + "?"
	} else {
		m += " List the tenants to see which there are."
	}
	return &Error{Kind: TenantUnknown, Message: m, Candidates: candidates}
}

// recentTenants is the list of tenants, not older than a few minutes, excluded ones included so that they can be told apart
// from unknown ones.
func (c *Client) recentTenants(ctx context.Context) ([]Tenant, error) {
	c.lists.mu.Lock()
	tenants, age := c.lists.tenants, c.clock.Now().Sub(c.lists.read)
	c.lists.mu.Unlock()
	if tenants != nil && age >= 0 && age < listGoodFor {
		return tenants, nil
	}
	if _, err := c.Tenants(ctx); err != nil {
		return nil, err
	}
	c.lists.mu.Lock()
	defer c.lists.mu.Unlock()
	return c.lists.tenants, nil
}

var issuerTenant = regexp.MustCompile(`/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/`)

// discover asks OpenID discovery for the tenant id of a domain.
//
// Reference: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
func (c *Client) discover(ctx context.Context, domain string) (string, error) {
	var id string
	k := call{service: signinService}
	err := c.repeat(ctx, k, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet,
			c.cfg.Cloud.Authority+"/"+EscapeSegment(domain)+"/v2.0/.well-known/openid-configuration", nil)
		if err != nil {
			return unbuilt(k, err)
		}
		req.Header.Set("User-Agent", c.cfg.UserAgent)
		res, err := c.plain.Do(req)
		if err != nil {
			return lost(k, err, false)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			return lost(k, err, true)
		}
		if res.StatusCode != http.StatusOK {
			e := signinAnswer("", res.StatusCode, res.Header, body)
			if e.Kind == SignInFailed || e.Kind == TenantUnknown {
				e.Kind, e.Message = TenantUnknown, "Microsoft knows no tenant with the domain "+cleanText(domain, 120)+"."
			}
			return e
		}
		var found struct {
			Issuer        string `json:"issuer"`
			TokenEndpoint string `json:"token_endpoint"`
		}
		if err := json.Unmarshal(body, &found); err != nil {
			return unreadable(k, err)
		}
		m := issuerTenant.FindStringSubmatch(found.Issuer + " " + found.TokenEndpoint)
		if m == nil {
			return &Error{Kind: TenantUnknown, Service: string(signinService), Message: "Microsoft names no tenant for the domain " + cleanText(domain, 120) + "."}
		}
		id = strings.ToLower(m[1])
		return nil
	})
	return id, err
}

// similar are tenants whose name or domain holds the text, or the other way round: what was perhaps meant.
func similar(tenants []Tenant, text string) []string {
	text = strings.ToLower(text)
	word, _, _ := strings.Cut(text, ".")
	if len(word) < 3 {
		return nil
	}
	var found []Tenant
	for _, t := range tenants {
		name, domain := strings.ToLower(t.DisplayName), strings.ToLower(t.DefaultDomain)
		first, _, _ := strings.Cut(name, " ")
		if strings.Contains(name, word) || strings.Contains(domain, word) || len(first) > 2 && strings.Contains(text, first) {
			if found = append(found, t); len(found) == 5 {
				break
			}
		}
	}
	return tenantNames(found)
}

// tenantNames are domains, which ResolveTenant takes, or ids where no domain is known.
func tenantNames(tenants []Tenant) []string {
	out := make([]string, len(tenants))
	for i, t := range tenants {
		out[i] = firstOf(t.DefaultDomain, t.ID)
	}
	return out
}
