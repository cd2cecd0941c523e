package collect

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

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

// apps are the applications behind the grants and the new ones of the tenant, and what each may do without a user.
func apps(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	list, err := c.theGrants(ctx)
	if err != nil {
		return bec.Coverage{}, err
	}
	seen := map[string]bool{}
	var ids []string
	keep := func(row json.RawMessage) error {
		id := idOf(row)
		if seen[id] {
			return nil
		}
		seen[id] = true
		ids = append(ids, id)
		return w.Add("servicePrincipal", id, row)
	}
	since := c.Clock.Now().Add(-newApps).UTC().Format(time.RFC3339)
	q := url.Values{"$filter": {"createdDateTime ge " + since}, "$top": {"999"}}
	if err := c.Graph.GraphRows(ctx, c.Tenant, "/servicePrincipals", q, false, func(page []json.RawMessage) error {
		for _, row := range page {
			if err := keep(row); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return bec.Coverage{}, err
	}
	own := slices.DeleteFunc(slices.Clone(list), func(g grant) bool { return g.ConsentType != "Principal" })
	all := slices.DeleteFunc(slices.Clone(list), func(g grant) bool { return g.ConsentType == "Principal" })
	for _, g := range append(own, all...) {
		if seen[g.ClientID] || len(ids) >= 4*appsAtMost {
			continue
		}
		row, err := c.Graph.GraphRow(ctx, c.Tenant, "/servicePrincipals/"+graphclient.EscapeSegment(g.ClientID), false)
		if graphclient.KindOf(err) == graphclient.NotFound {
			continue // the application is gone, and its grant with it soon
		}
		if err != nil {
			return bec.Coverage{}, err
		}
		if err := keep(row); err != nil {
			return bec.Coverage{}, err
		}
	}
	var cover bec.Coverage
	if len(ids) > appsAtMost {
		ids = ids[:appsAtMost]
		cover = bec.Coverage{Status: bec.ReadPartly, Reason: bec.Capped, Detail: "what applications may do without a user was read for the sixty newest"}
	}
	for _, id := range ids {
		err := c.graph(ctx, w, "appOnlyRole", "/servicePrincipals/"+graphclient.EscapeSegment(id)+"/appRoleAssignments", false)
		if err != nil && graphclient.KindOf(err) != graphclient.NotFound {
			return cover, err
		}
	}
	return cover, nil
}

// sharedItems bounds how many files of the user's OneDrive are asked for who may open them.
const sharedItems = 200

// driveItem is a file or folder of a OneDrive; Shared is there where somebody else may open it.
type driveItem struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Shared json.RawMessage `json:"shared"`
}

// sharingLinks are who may open the files at the root of the user's OneDrive; Graph has no list of all links of a
// user, so that links deeper down stand in the audit log only.
func sharingLinks(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	drive, err := c.Graph.Drive(ctx, c.Tenant, c.User.ID)
	if err != nil {
		return bec.Coverage{}, err
	}
	if drive == nil {
		return bec.Coverage{Status: bec.NotApplicable, Reason: bec.NotEnabled, Detail: "the user has no OneDrive"}, nil
	}
	var items []driveItem
	err = c.Graph.GraphRows(ctx, c.Tenant, "/drives/"+graphclient.EscapeSegment(drive.ID)+"/root/children", nil, false, func(page []json.RawMessage) error {
		for _, row := range page {
			var it driveItem
			if err := json.Unmarshal(row, &it); err != nil {
				return &graphclient.Error{Kind: graphclient.Internal, Tenant: c.Tenant, Message: "A file could not be read."}
			}
			items = append(items, it)
		}
		return nil
	})
	if err != nil {
		return bec.Coverage{}, err
	}
	cover := bec.Coverage{}
	asked := 0
	for _, it := range items {
		if len(it.Shared) == 0 {
			continue
		}
		if asked++; asked > sharedItems {
			return bec.Coverage{Status: bec.ReadPartly, Reason: bec.Capped, Detail: "the first two hundred shared files"}, nil
		}
		err := c.Graph.GraphRows(ctx, c.Tenant, "/drives/"+graphclient.EscapeSegment(drive.ID)+"/items/"+graphclient.EscapeSegment(it.ID)+"/permissions", nil, false, func(page []json.RawMessage) error {
			for _, row := range page {
				if err := w.Add("driveItemPermission", drive.ID+"/"+it.ID+"/"+idOf(row), within(row, "driveId", drive.ID, "itemId", it.ID, "itemName", it.Name)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil && graphclient.KindOf(err) != graphclient.NotFound {
			return cover, err
		}
	}
	return cover, nil
}
