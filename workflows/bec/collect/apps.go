package collect

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// grant is what is needed of a delegated grant to look its application up.
type grant struct {
	raw         json.RawMessage
	ClientID    string `json:"clientId"`
	ConsentType string `json:"consentType"`
	PrincipalID string `json:"principalId"`
}

// theGrants are the delegated grants that let an application act for the user: his own, and those for everybody.
func (c *Collector) theGrants(ctx context.Context) ([]grant, error) {
	return c.grants.get(func() ([]grant, error) {
		var out []grant
		take := func(page []json.RawMessage) error {
			for _, row := range page {
				g := grant{raw: row}
				if err := json.Unmarshal(row, &g); err != nil {
					return &graphclient.Error{Kind: graphclient.Internal, Tenant: c.Tenant, Message: "A grant could not be read."}
				}
				out = append(out, g)
			}
			return nil
		}
		if err := c.Graph.GraphRows(ctx, c.Tenant, "/users/"+c.User.ID+"/oauth2PermissionGrants", nil, false, take); err != nil {
			return nil, err
		}
		err := c.Graph.GraphRows(ctx, c.Tenant, "/oauth2PermissionGrants", url.Values{"$filter": {"consentType eq 'AllPrincipals'"}}, false, take)
		return out, err
	})
}

// grantsOf are the delegated grants and the applications the user is assigned to. A grant bears no date; the
// assignment, which comes with the user's first use, does.
func grantsOf(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	list, err := c.theGrants(ctx)
	for _, g := range list {
		if werr := w.Add("oauth2PermissionGrant", idOf(g.raw), g.raw); werr != nil {
			return bec.Coverage{}, werr
		}
	}
	if err != nil {
		return bec.Coverage{}, err
	}
	return bec.Coverage{}, c.graph(ctx, w, "appRoleAssignment", "/users/"+c.User.ID+"/appRoleAssignments", false)
}

// newApps is how far back an application counts as new, and is looked at though the user has no grant of it: as far
// as the unified audit log reaches.
const newApps = 180 * 24 * time.Hour

// appsAtMost bounds how many applications are asked for their own permissions.
const appsAtMost = 60

// microsoftTenants own Microsoft's applications.
var microsoftTenants = []string{"f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"}

// apps are the applications behind the grants and the new ones of the tenant, and what each may do without a user.
func apps(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	list, err := c.theGrants(ctx)
	if err != nil {
		return bec.Coverage{}, err
	}
	granted := map[string]bool{}
	for _, g := range list {
		granted[g.ClientID] = true
	}
	since := c.Clock.Now().Add(-newApps)
	var own, ids []string // the user's own first: of those more is asked
	// The date an application came is answered, and in no published model; so nothing promises that one can filter by
	// it, and all are read.
	err = c.Graph.GraphRows(ctx, c.Tenant, "/servicePrincipals", url.Values{"$top": {"999"}}, false, func(page []json.RawMessage) error {
		for _, row := range page {
			var app struct {
				ID      string     `json:"id"`
				Owner   string     `json:"appOwnerOrganizationId"`
				Created *time.Time `json:"createdDateTime"`
			}
			if err := json.Unmarshal(row, &app); err != nil {
				return &graphclient.Error{Kind: graphclient.Internal, Tenant: c.Tenant, Message: "An application could not be read."}
			}
			fresh := app.Created != nil && app.Created.After(since) || app.Created == nil && !slices.Contains(microsoftTenants, app.Owner)
			if !granted[app.ID] && !fresh {
				continue
			}
			if err := w.Add("servicePrincipal", app.ID, row); err != nil {
				return err
			}
			if granted[app.ID] {
				own = append(own, app.ID)
			} else {
				ids = append(ids, app.ID)
			}
		}
		return nil
	})
	if err != nil {
		return bec.Coverage{}, err
	}
	ids = append(own, ids...)
	var cover bec.Coverage
	if len(ids) > appsAtMost {
		ids = ids[:appsAtMost]
		cover = bec.Coverage{Status: bec.ReadPartly, Reason: bec.Capped, Detail: "what applications may do without a user was read for the first sixty"}
	}
	return cover, c.appRoles(ctx, w, ids)
}

// appRoles are what applications may do in their own name, with nobody signed in.
func (c *Collector) appRoles(ctx context.Context, w *casefile.Writer, ids []string) error {
	found := make([][]json.RawMessage, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, id := range ids {
		g.Go(func() error {
			err := c.Graph.GraphRows(ctx, c.Tenant, "/servicePrincipals/"+graphclient.EscapeSegment(id)+"/appRoleAssignments", nil, false, func(page []json.RawMessage) error {
				found[i] = append(found[i], page...)
				return nil
			})
			if graphclient.KindOf(err) == graphclient.NotFound {
				return nil // removed meanwhile
			}
			return err
		})
	}
	err := g.Wait()
	for _, rows := range found {
		if werr := addAll(w, "appOnlyRole", rows); werr != nil {
			return werr
		}
	}
	return err
}
