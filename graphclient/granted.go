package graphclient

import (
	"context"
	"strings"
)

// Granted is what this client's own access tokens for a tenant grant, in Microsoft's names.
type Granted struct {
	Graph    []string // application permissions, or scopes where somebody is signed in
	Exchange []string
	// Roles are the directory roles of whoever signs in, by name; one that is not known here by its template id.
	Roles []string
	// Readable: the tokens could be read. Microsoft promises their form to nobody but itself.
	Readable bool
}

// Granted signs in to a tenant for Graph and Exchange and says what the tokens grant. It words advice and decides
// nothing.
//
// Reference: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func (c *Client) Granted(ctx context.Context, tid string) (Granted, error) {
	var g Granted
	if err := require(tid); err != nil {
		return g, err
	}
	if err := c.permitWished(ctx, tid); err != nil {
		return g, err
	}
	token, err := c.tokens.get(ctx, tid, c.cfg.Cloud.scope(graphService))
	if err != nil {
		return g, err
	}
	claims := claimsOf(token)
	g.Graph = permissions(token)
	g.Readable = len(g.Graph) > 0
	for _, id := range claims.Wids {
		if name, ok := roleNames[strings.ToLower(id)]; ok {
			id = name
		}
		g.Roles = append(g.Roles, id)
	}
	if token, err = c.tokens.get(ctx, tid, c.cfg.Cloud.scope(exchangeService)); err == nil {
		g.Exchange = permissions(token) // without Exchange the tenant is still of use
	}
	return g, nil
}

// roleNames are the built-in directory roles that tools need, by template id.
//
// Reference: https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
var roleNames = map[string]string{
	"62e90394-69f5-4237-9190-012177145e10": "Global Administrator", "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
	"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator", "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
	"c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator", "0526716b-113d-4c15-b2c8-68e3c22b9f80": "Authentication Policy Administrator",
	"7698a772-787b-4ac8-901f-60d6b08affd2": "Cloud Device Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
	"31392ffb-586c-42d1-9346-e59415a2cc4e": "Exchange Recipient Administrator", "fdd7a751-b60b-444a-984c-02652fe8fa1c": "Groups Administrator",
	"95e79109-95c0-4d8e-aee3-d01accf2d47b": "Guest Inviter", "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
	"8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator", "3a2c62db-5318-420d-8d74-23affee5d9d5": "Intune Administrator",
	"4d6ac14f-3453-41d0-bef9-a3e0c569773a": "License Administrator", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
	"e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator", "4a5d8f65-41da-4de4-8968-e035b65339cf": "Reports Reader",
	"194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator", "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f": "Security Operator",
	"5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader", "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
	"69091246-20e8-4a56-aa4d-066075b2a7a8": "Teams Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
	"88d8e3e3-8f55-4a1e-953a-9b9898b8876b": "Directory Readers",
}

// RoleName is the name of a built-in directory role, or its template id where it is not known here.
func RoleName(templateID string) string {
	if n, ok := roleNames[strings.ToLower(templateID)]; ok {
		return n
	}
	return templateID
}
