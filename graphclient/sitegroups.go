package graphclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SiteRole is one of a site's three groups: who reads, who edits, who manages.
type SiteRole string

// The groups every site has.
const (
	SiteVisitor SiteRole = "visitor"
	SiteMember  SiteRole = "member"
	SiteOwner   SiteRole = "owner"
)

// group is what SharePoint's REST service calls it.
func (r SiteRole) group() string { return "associated" + string(r) + "group" }

// CanEditSites refuses what SharePoint's own service would refuse to this sign-in: it takes no application that proves
// itself by a secret. Nothing is sent.
func (c *Client) CanEditSites(tid, what string) error {
	if c.delegated() || len(c.cfg.Auth.CertificatePEM) > 0 && c.cfg.Auth.ClientSecret == "" {
		return nil
	}
	return c.otherSignIn(tid, what, "a certificate (SharePoint refuses a secret) or a delegated sign-in", "app with a certificate, partner or user")
}

// siteUser is somebody as a site knows him.
type siteUser struct {
	ID        int    `json:"Id"`
	LoginName string `json:"LoginName"`
}

// membershipClaim begins the login name of a user of the directory.
const membershipClaim = "i:0#.f|membership|"

// InSiteGroup reports whether a user, by sign-in name, is in one of a site's groups himself.
//
// GET {site}/_api/web/associated{role}group/users; application permission Sites.FullControl.All of SharePoint with a
// certificate, or delegated AllSites.FullControl and the role SharePoint Administrator.
//
// Reference: https://learn.microsoft.com/sharepoint/dev/sp-add-ins/users-groups-and-roles-rest-api-reference
func (c *Client) InSiteGroup(ctx context.Context, tid, site string, role SiteRole, upn string) (bool, error) {
	u, err := c.inSiteGroup(ctx, tid, site, role, upn)
	return u != nil, err
}

func (c *Client) inSiteGroup(ctx context.Context, tid, site string, role SiteRole, upn string) (*siteUser, error) {
	if err := require(tid, site, upn); err != nil {
		return nil, err
	}
	var page struct {
		Value []siteUser `json:"value"`
	}
	if err := c.onSite(ctx, tid, site, http.MethodGet, role.group()+"/users?$select=Id,LoginName&$top=5000", nil, &page); err != nil {
		return nil, err
	}
	for _, u := range page.Value {
		if equalFold(u.LoginName, membershipClaim+upn) {
			return &u, nil
		}
	}
	return nil, nil
}

// AddToSiteGroup puts a user, by sign-in name, into one of a site's groups; who is in it stays.
//
// POST {site}/_api/web/ensureuser and {site}/_api/web/associated{role}group/users; as InSiteGroup.
func (c *Client) AddToSiteGroup(ctx context.Context, tid, site string, role SiteRole, upn string) error {
	if err := require(tid, site, upn); err != nil {
		return err
	}
	var u siteUser
	if err := c.onSite(ctx, tid, site, http.MethodPost, "ensureuser", map[string]string{"logonName": membershipClaim + upn}, &u); err != nil {
		return err
	}
	return c.onSite(ctx, tid, site, http.MethodPost, role.group()+"/users", map[string]string{"LoginName": firstOf(u.LoginName, membershipClaim+upn)}, nil)
}

// RemoveFromSiteGroup takes a user, by sign-in name, out of one of a site's groups; who was not in it is kind
// NotMember. Repeatable.
//
// POST {site}/_api/web/sitegroups({id})/users/removebyid({id}); as InSiteGroup.
func (c *Client) RemoveFromSiteGroup(ctx context.Context, tid, site string, role SiteRole, upn string) error {
	u, err := c.inSiteGroup(ctx, tid, site, role, upn)
	if err != nil {
		return err
	}
	if u == nil {
		return &Error{Kind: NotMember, Service: string(sharePointService), Tenant: tid, Message: advice[NotMember]}
	}
	var g struct {
		ID int `json:"Id"`
	}
	if err := c.onSite(ctx, tid, site, http.MethodGet, role.group()+"?$select=Id", nil, &g); err != nil {
		return err
	}
	return c.onSite(ctx, tid, site, http.MethodPost, fmt.Sprintf("sitegroups(%d)/users/removebyid(%d)", g.ID, u.ID), nil, nil)
}

// onSite sends a request to the REST service of a site. POSTs here leave the same behind however often they are sent.
func (c *Client) onSite(ctx context.Context, tid, site, method, path string, body, into any) error {
	if err := c.CanEditSites(tid, "Changing who is in the groups of a site"); err != nil {
		return err
	}
	u, err := url.Parse(site)
	if err != nil || u.Scheme != "https" || u.RawQuery != "" || !strings.HasSuffix(strings.ToLower(u.Host), "."+c.sharePointDomain()) {
		return &Error{Kind: Invalid, Service: string(sharePointService), Tenant: tid, Message: "That is no address of a SharePoint site: " + cleanText(site, 160)}
	}
	k := call{service: sharePointService, tenant: tid, write: method != http.MethodGet, repeatable: isRepeatable(ctx), needs: []string{"Sites.FullControl.All", "AllSites.FullControl"},
		base: firstOf(c.cfg.Cloud.SharePoint, "https://"+u.Host), scope: "https://" + strings.ToLower(u.Host) + "/.default"}
	if err := c.permit(ctx, tid); err != nil {
		return err
	}
	var sent []byte
	if body != nil {
		if sent, err = json.Marshal(body); err != nil {
			return unbuilt(k, err)
		}
	}
	address := k.base + strings.TrimRight(u.EscapedPath(), "/") + "/_api/web/" + path
	err = c.repeat(ctx, k, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(withCall(ctx, k), method, address, bytes.NewReader(sent))
		if err != nil {
			return unbuilt(k, err)
		}
		req.Header.Set("Accept", "application/json;odata=nometadata")
		if body != nil {
			req.Header.Set("Content-Type", "application/json;odata=nometadata")
		}
		res, err := c.http.Do(req)
		if err != nil {
			return asError(k, err)
		}
		defer func() { _ = res.Body.Close() }()
		if into == nil {
			return nil
		}
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			return unreadable(k, err)
		}
		return nil
	})
	var e *Error
	if errors.As(err, &e) && e.Kind == NotFound {
		e.Message = "SharePoint knows no such site, or nobody of that name."
	}
	return err
}
