package tools

import (
	"context"
	"path"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

var provisionOneDrive = Write(Tool{
	Name: "cipp_provision_onedrive", Title: "Provision OneDrive", Toolset: "files", Extra: true, Risk: policy.Write, Idempotent: true, Aliases: userAliases,
	Description: "Makes a user's OneDrive before it was ever opened, and waits for it. For a link in it to a site: cipp_add_onedrive_shortcut.",
	Needs:       Needs{App: []string{"Files.Read.All", "Sites.Read.All", "LicenseAssignment.Read.All"}, GDAPRoles: []string{"SharePoint Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","dryRun":true}`,
}, func(_ context.Context, c *Call, _ UserWriteIn) (Work, error) {
	return Work{Steps: []jobs.Step{workflows.ProvisionOneDrive(c.target())}}, nil
})

// AddOneDriveShortcutIn are the arguments of cipp_add_onedrive_shortcut.
type AddOneDriveShortcutIn struct {
	TenantArg
	UserArg
	SiteURL string `json:"siteUrl" jsonschema:"maxLength=400"`
	Folder  string `json:"folder,omitempty" jsonschema:"maxLength=400" jsonschema_description:"Path in the site's library."`
	WriteArgs
}

var addOneDriveShortcut = Write(Tool{
	Name: "cipp_add_onedrive_shortcut", Title: "Add OneDrive shortcut", Toolset: "files", Extra: true, Risk: policy.Write, Idempotent: true, Aliases: with(userAliases, map[string]string{"url": "siteUrl", "site": "siteUrl"}),
	Description: "Adds a shortcut to a site's library, or a folder of it, to a user's OneDrive. It gives no access: cipp_set_site_access.",
	Needs:       Needs{App: []string{"Files.ReadWrite.All", "Sites.Read.All"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","siteUrl":"https://contoso.sharepoint.com/sites/crm","dryRun":true}`,
}, func(ctx context.Context, c *Call, in AddOneDriveShortcutIn) (Work, error) {
	found, err := jobs.Found(ctx, c.Run, "shortcut", func(ctx context.Context) (shortcutFound, error) { return c.shortcutTo(ctx, in) })
	if err != nil {
		return Work{}, err
	}
	return Work{Steps: []jobs.Step{workflows.AddShortcut(c.target(), found.Name, found.To)}}, nil
})

// shortcutFound is where planning found that a shortcut leads.
type shortcutFound struct {
	Name string
	To   graphclient.ShortcutTarget
}

func (c *Call) shortcutTo(ctx context.Context, in AddOneDriveShortcutIn) (f shortcutFound, err error) {
	site, err := c.Graph.Site(ctx, c.Tenant.ID, in.SiteURL)
	if err != nil {
		return f, siteProblem("siteUrl", in.SiteURL, c, err)
	}
	lib, err := c.Graph.SiteLibrary(ctx, c.Tenant.ID, site.ID)
	if err != nil {
		return f, err
	}
	root, err := c.Graph.DriveRoot(ctx, c.Tenant.ID, lib.ID)
	if err != nil {
		return f, err
	}
	f = shortcutFound{Name: site.DisplayName, To: graphclient.ShortcutTarget{Library: lib.SharePointIDs, DriveID: lib.ID, RootID: root.ID}}
	parent := ""
	for part := range strings.SplitSeq(strings.Trim(strings.ReplaceAll(in.Folder, `\`, "/"), "/ "), "/") {
		if part == "" {
			continue
		}
		items, err := c.Graph.DriveItems(ctx, c.Tenant.ID, lib.ID, parent)
		if err != nil {
			return f, err
		}
		i := slices.IndexFunc(items, func(i graphclient.DriveItem) bool { return i.Folder != nil && strings.EqualFold(i.Name, part) })
		if i < 0 {
			return f, invalid("folder: there is no folder %q in %s.", Clean(in.Folder, 120), q(site.DisplayName))
		}
		parent, f.Name = items[i].ID, site.DisplayName+" - "+path.Base(items[i].Name)
	}
	f.To.FolderID = parent
	return f, nil
}

// siteProblem words that an address names no site.
func siteProblem(argument, address string, c *Call, err error) error {
	switch graphclient.KindOf(err) {
	case graphclient.NotFound:
		return invalid("%s: there is no site %q in %s; give its whole address, without library or page.", argument, Clean(address, 160), c.Tenant.DefaultDomain)
	case graphclient.Invalid:
		return invalid("%s: %q is no address of a SharePoint site, like https://contoso.sharepoint.com/sites/crm.", argument, Clean(address, 160))
	default:
		return err
	}
}

// SetSiteAccessIn are the arguments of cipp_set_site_access.
type SetSiteAccessIn struct {
	TenantArg
	UserArg
	Add    []string `json:"add,omitempty" jsonschema:"maxItems=20" jsonschema_description:"right:site address; visitor, member or owner."`
	Remove []string `json:"remove,omitempty" jsonschema:"maxItems=20" jsonschema_description:"As add."`
	WriteArgs
}

var siteRoles = map[string]graphclient.SiteRole{"visitor": graphclient.SiteVisitor, "visitors": graphclient.SiteVisitor, "read": graphclient.SiteVisitor, "member": graphclient.SiteMember, "members": graphclient.SiteMember, "edit": graphclient.SiteMember,
	"owner": graphclient.SiteOwner, "owners": graphclient.SiteOwner}

const siteRightWords = "visitor, member or owner, as in member:https://contoso.sharepoint.com/sites/crm"

var setSiteAccess = Write(Tool{
	Name: "cipp_set_site_access", Title: "Set site access", Toolset: "files", Extra: true, Risk: policy.Destructive, Idempotent: true, Aliases: with(userAliases, map[string]string{"grant": "add", "revoke": "remove"}),
	Description: "Makes a user a visitor, member or owner of SharePoint sites, or ends that; where a site has a Microsoft 365 group, through the group.",
	Needs:       Needs{App: []string{"Sites.Read.All", "Files.Read.All", "GroupMember.ReadWrite.All", "Group.ReadWrite.All"}, GDAPRoles: []string{"SharePoint Administrator", "Groups Administrator"}},
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","add":["member:https://contoso.sharepoint.com/sites/crm"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetSiteAccessIn) (Work, error) {
	var w Work
	seen := map[string]bool{}
	for _, l := range []struct {
		argument string
		given    []string
		give     bool
	}{{"remove", in.Remove, false}, {"add", in.Add, true}} {
		for _, g := range l.given {
			word, address, _ := strings.Cut(g, ":")
			role, known := siteRoles[strings.ToLower(strings.TrimSpace(word))]
			if !known || strings.TrimSpace(address) == "" {
				return w, invalid("%s: %q must be a right, a colon and a site's address: %s.", l.argument, Clean(g, 160), siteRightWords)
			}
			site, err := jobs.Found(ctx, c.Run, "site/"+strings.ToLower(strings.TrimSpace(address)), func(ctx context.Context) (workflows.AccessedSite, error) {
				return c.target().SiteOfAddress(ctx, address)
			})
			if err != nil {
				return w, siteProblem(l.argument, address, c, err)
			}
			key := site.ID + string(role)
			if site.Group != nil && role != graphclient.SiteVisitor {
				key = site.Group.ID + string(role) // of which a site below it may be as well
			}
			if seen[key] {
				return w, invalid("%q stands more than once in add and remove.", Clean(g, 160))
			}
			seen[key] = true
			step, err := workflows.SiteAccess(ctx, c.target(), site, role, l.give)
			if err != nil {
				return w, err
			}
			w.Steps = append(w.Steps, step)
		}
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name at least one right in add or remove: %s.", siteRightWords)
	}
	return w, nil
})

// SiteRow is one site a user has access to.
type SiteRow struct {
	Site   string   `json:"site"`
	URL    string   `json:"url"`
	Rights []string `json:"rights"`          // visitor | member | owner
	Group  string   `json:"group,omitempty"` // the Microsoft 365 group through which
}

func (s SiteRow) line() string {
	return "site " + q(s.Site) + " | " + strings.Join(s.Rights, ", ") + fenced(" through the group ", s.Group) + " | " + s.URL
}

// siteRows are the sites of the user. Where SharePoint does not let this sign-in look into the sites' own groups, those
// of Microsoft 365 groups are shown, and that there may be more is said.
func siteRows(ctx context.Context, c *Call) ([]SiteRow, error) {
	held, unread, err := c.Graph.SiteMembershipsOf(ctx, c.Tenant.ID, *c.User)
	if err != nil {
		return nil, err
	}
	rows := []SiteRow{}
	for _, m := range held {
		rows = append(rows, SiteRow{m.Site.DisplayName, m.Site.WebURL, m.Rights, m.Group})
	}
	if p, ok := ProblemOf(unread); ok && unread != nil {
		p.Message = "only the sites of Microsoft 365 groups are shown: " + p.Message
		return rows, p
	}
	return rows, unread
}
