package graphclient

import (
	"context"
	"net/url"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
)

// Site is a SharePoint site. Its ID holds the host, the site collection and the web, with commas between them.
//
// Reference: https://learn.microsoft.com/graph/api/resources/site
type Site struct {
	ID             string `json:"id"`
	Name           string `json:"name,omitempty"`
	DisplayName    string `json:"displayName"`
	WebURL         string `json:"webUrl"`
	IsPersonalSite bool   `json:"isPersonalSite,omitempty"`
}

// Library is the default document library of a site, as a drive.
//
// Reference: https://learn.microsoft.com/graph/api/resources/drive
type Library struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	WebURL string `json:"webUrl"`
	Owner  struct {
		// Group is the Microsoft 365 group whose site this is; nil for a site of its own.
		Group *struct {
			ID          string `json:"id"`
			DisplayName string `json:"displayName"`
		} `json:"group,omitempty"`
	} `json:"owner"`
	SharePointIDs SharePointIDs `json:"sharePointIds"`
}

// SharePointIDs are what SharePoint calls an item.
//
// Reference: https://learn.microsoft.com/graph/api/resources/sharepointids
type SharePointIDs struct {
	ListID           string `json:"listId,omitempty"`
	ListItemUniqueID string `json:"listItemUniqueId,omitempty"`
	SiteID           string `json:"siteId,omitempty"`
	SiteURL          string `json:"siteUrl,omitempty"`
	WebID            string `json:"webId,omitempty"`
}

var readSites = []string{"Sites.Read.All", "Sites.ReadWrite.All", "Sites.FullControl.All"}

// Sites are the sites whose names or addresses hold the words; "" finds all. Personal sites are left out.
//
// GET /sites?search=; least permission Sites.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/site-search
func (c *Client) Sites(ctx context.Context, tid, search string) ([]Site, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	found, err := all[Site](ctx, c, read(tid, readSites...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/sites?search={search}", map[string]string{"search": firstOf(strings.TrimSpace(search), "*")}), nil
	})
	var out []Site
	for _, s := range found {
		if !s.IsPersonalSite && !strings.Contains(s.WebURL, "-my.") {
			out = append(out, s)
		}
	}
	return out, err
}

// Site is the site at an address of this cloud's SharePoint; what is none is kind NotFound.
//
// GET /sites/{host}:/{path}; least permission Sites.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/site-getbypath
func (c *Client) Site(ctx context.Context, tid, address string) (Site, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "https" || u.User != nil || !strings.HasSuffix(strings.ToLower(u.Host), "."+c.sharePointDomain()) || strings.Contains(u.Path, ":") {
		return Site{}, &Error{Kind: Invalid, Service: string(graphService), Tenant: tid, Message: "That is no address of a SharePoint site: " + cleanText(address, 160)}
	}
	return c.siteAt(ctx, tid, u.Host, strings.Trim(u.Path, "/"))
}

func (c *Client) siteAt(ctx context.Context, tid, host, path string) (Site, error) {
	if err := require(tid, host); err != nil {
		return Site{}, err
	}
	template, params := "/sites/{host}", map[string]string{"host": host}
	if path != "" {
		template = "/sites/{host}:"
		for i, part := range strings.Split(path, "/") {
			key := "p" + string(rune('a'+i%26)) + string(rune('a'+i/26%26))
			template, params[key] = template+"/{"+key+"}", part
		}
	}
	return fetch[Site](ctx, c, read(tid, readSites...), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, template, params), nil
	})
}

func (c *Client) sharePointDomain() string {
	return firstOf(c.cfg.Cloud.SharePointDomain, Public.SharePointDomain)
}

// SubSites are the sites directly below a site.
//
// GET /sites/{id}/sites; least permission Sites.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/site-list-subsites
func (c *Client) SubSites(ctx context.Context, tid, siteID string) ([]Site, error) {
	if err := require(tid, siteID); err != nil {
		return nil, err
	}
	return all[Site](ctx, c, read(tid, readSites...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/sites/{site}/sites", map[string]string{"site": siteID}), nil
	})
}

// SiteLibrary is the default library of a site, and with it whose group's site it is.
//
// GET /sites/{id}/drive; least permission Files.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/drive-get
func (c *Client) SiteLibrary(ctx context.Context, tid, siteID string) (Library, error) {
	if err := require(tid, siteID); err != nil {
		return Library{}, err
	}
	return fetch[Library](ctx, c, read(tid, readFiles...), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/sites/{site}/drive?%24select=id,name,webUrl,owner,sharePointIds", map[string]string{"site": siteID}), nil
	})
}

// GroupSite is the site of a Microsoft 365 group; a group without one is kind NotFound.
//
// GET /groups/{id}/sites/root; least permission Sites.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/site-get
func (c *Client) GroupSite(ctx context.Context, tid, groupID string) (Site, error) {
	if err := require(tid, groupID); err != nil {
		return Site{}, err
	}
	return fetch[Site](ctx, c, read(tid, readSites...), c.v1, func() (*abs.RequestInformation, error) {
		return plainRequest(abs.GET, "/groups/{group}/sites/root", map[string]string{"group": groupID}), nil
	})
}

// SiteMembership is a site somebody has access to, and as what.
type SiteMembership struct {
	Site   Site     `json:"site"`
	Rights []string `json:"rights"`          // visitor | member | owner
	Group  string   `json:"group,omitempty"` // the Microsoft 365 group through which, "" for a right in the site itself
}

// SiteMembershipsOf are the sites a user has access to: through Microsoft 365 groups, and by the sites' own groups where
// this sign-in can read them. The second result says why the latter could not be read; they are then left out.
// Every site of the tenant is looked at, which takes a while in a large one.
//
// GET /users/{id}/memberOf, /groups/{id}/owners, /groups/{id}/sites/root, /sites?search=*, and SharePoint's REST service.
func (c *Client) SiteMembershipsOf(ctx context.Context, tid string, user User) (out []SiteMembership, unread, err error) {
	groups, err := c.GroupsOf(ctx, tid, user.ID)
	if err != nil {
		return nil, nil, err
	}
	for _, g := range groups {
		if !g.Microsoft365() {
			continue
		}
		s, err := c.GroupSite(ctx, tid, g.ID)
		if KindOf(err) == NotFound {
			continue
		}
		if err != nil {
			return out, nil, err
		}
		m := SiteMembership{Site: s, Rights: []string{"member"}, Group: g.DisplayName}
		owners, err := c.GroupOwners(ctx, tid, g.ID)
		if err != nil {
			return out, nil, err
		}
		for _, o := range owners {
			if equalFold(o.ID, user.ID) {
				m.Rights = []string{"owner"}
			}
		}
		out = append(out, m)
	}
	if err := c.CanEditSites(tid, "Reading who is in the groups of a site"); err != nil {
		return out, err, nil
	}
	sites, err := c.Sites(ctx, tid, "")
	if err != nil {
		return out, nil, err
	}
	for _, s := range sites {
		var held []string
		for _, r := range []SiteRole{SiteVisitor, SiteMember, SiteOwner} {
			in, err := c.InSiteGroup(ctx, tid, s.WebURL, r, user.UserPrincipalName)
			switch {
			case KindOf(err) == NotFound:
			case err != nil:
				return out, err, nil
			case in:
				held = append(held, string(r))
			}
		}
		if len(held) > 0 {
			out = append(out, SiteMembership{Site: s, Rights: held})
		}
	}
	return out, nil, nil
}
