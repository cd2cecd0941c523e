package graphclient

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SharingCapability is with whom what lies in a site may be shared.
//
// Reference: https://learn.microsoft.com/dotnet/api/microsoft.online.sharepoint.tenantmanagement.sharingcapabilities
type SharingCapability int

// The values, each letting in more people than the first.
const (
	SharingDisabled SharingCapability = iota
	SharingExternalUsers
	SharingAnybody
	SharingExistingExternalUsers
)

func (s SharingCapability) String() string {
	switch s {
	case SharingDisabled:
		return "only inside the organisation"
	case SharingExternalUsers:
		return "with external people who sign in"
	case SharingAnybody:
		return "with anybody who has a link"
	case SharingExistingExternalUsers:
		return "with external people already in the directory"
	}
	return fmt.Sprintf("of a kind this program does not know (%d)", int(s))
}

// sharePointAdmin is what administers the SharePoint a site is in: the admin site of the same organisation.
type sharePointAdmin struct {
	base, scope string
	site        string // the site itself, as SharePoint names it
}

// adminAt is the admin site of an organisation, by its name in the addresses of its sites. That can be any: it is not
// that of its domains, and it can have been changed.
func (c *Client) adminAt(name string) (sharePointAdmin, bool) {
	host := "https://" + name + "-admin." + c.sharePointDomain()
	return sharePointAdmin{base: firstOf(c.cfg.Cloud.SharePoint, host), scope: host + "/.default"}, name != "" && !strings.Contains(name, ".")
}

// adminOf finds the admin site by a OneDrive's own address.
func (c *Client) adminOf(tid string, d Drive) (sharePointAdmin, error) {
	u, err := url.Parse(d.WebURL)
	if err == nil {
		name, ok := strings.CutSuffix(strings.ToLower(u.Host), "-my."+c.sharePointDomain())
		i := strings.LastIndexByte(u.Path, '/') // the last part is the library, not the site
		if a, known := c.adminAt(name); ok && known && u.Scheme == "https" && i > 0 {
			a.site = "https://" + u.Host + u.Path[:i]
			return a, nil
		}
	}
	return sharePointAdmin{}, &Error{Kind: Invalid, Service: string(sharePointService), Tenant: tid,
		Message: "The address of the OneDrive is none of this cloud's SharePoint: " + cleanText(d.WebURL, 160)}
}

// onSharePoint is a call of the tenant's SharePoint administration. Microsoft gives it to people: the application by
// itself would need a certificate, and is not documented to get in.
func (c *Client) onSharePoint(tid string, d Drive, what string) (call, sharePointAdmin, error) {
	if err := require(tid); err != nil {
		return call{}, sharePointAdmin{}, err
	}
	if !c.delegated() {
		return call{}, sharePointAdmin{}, c.otherSignIn(tid, what, "a delegated sign-in", "partner or user")
	}
	a, err := c.adminOf(tid, d)
	return a.call(tid), a, err
}

func (a sharePointAdmin) call(tid string) call {
	return call{service: sharePointService, tenant: tid, needs: []string{"AllSites.FullControl"}, base: a.base, scope: a.scope}
}

// DriveSharing is with whom what lies in a OneDrive may be shared.
//
// CSOM Tenant.GetSitePropertiesByUrl at the admin site; delegated, AllSites.FullControl and the role SharePoint
// Administrator.
//
// Reference: https://learn.microsoft.com/openspecs/sharepoint_protocols/ms-csom
func (c *Client) DriveSharing(ctx context.Context, tid string, d Drive) (SharingCapability, error) {
	k, admin, err := c.onSharePoint(tid, d, "Reading the external sharing of a OneDrive")
	if err != nil {
		return 0, err
	}
	rows, err := c.processQuery(ctx, k, admin, `<Query Id="5" ObjectPathId="3"><Query SelectAllProperties="false"><Properties><Property Name="SharingCapability" ScalarProperty="true" /></Properties></Query></Query>`, "")
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		var p struct {
			SharingCapability *SharingCapability `json:"SharingCapability"`
		}
		if json.Unmarshal(r, &p) == nil && p.SharingCapability != nil {
			return *p.SharingCapability, nil
		}
	}
	return 0, unreadable(k, fmt.Errorf("no SharingCapability in %d rows", len(rows)))
}

// SetDriveSharing sets it. SharePoint refuses more than it allows the whole organisation, and may take a while.
//
// CSOM SiteProperties.SharingCapability and Update; as DriveSharing. Never sent twice.
func (c *Client) SetDriveSharing(ctx context.Context, tid string, d Drive, to SharingCapability) error {
	k, admin, err := c.onSharePoint(tid, d, "Changing the external sharing of a OneDrive")
	if err != nil {
		return err
	}
	k.write = true
	_, err = c.processQuery(ctx, k, admin, fmt.Sprintf(`<SetProperty Id="5" ObjectPathId="3" Name="SharingCapability"><Parameter Type="Enum">%d</Parameter></SetProperty>`+
		`<ObjectPath Id="7" ObjectPathId="6" /><Query Id="8" ObjectPathId="6"><Query SelectAllProperties="true"><Properties /></Query></Query>`, int(to)),
		`<Method Id="6" ParentId="3" Name="Update" />`)
	return err
}

// processQuery runs actions on the properties of a site (path 3).
func (c *Client) processQuery(ctx context.Context, k call, admin sharePointAdmin, actions, paths string) ([]json.RawMessage, error) {
	return c.csom(ctx, k, `<ObjectPath Id="4" ObjectPathId="3" />`+actions, `<Method Id="3" ParentId="1" Name="GetSitePropertiesByUrl"><Parameters>`+
		`<Parameter Type="String">`+xmlText(admin.site)+`</Parameter><Parameter Type="Boolean">false</Parameter></Parameters></Method>`+paths)
}

// xmlText is text within XML.
func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}

// csom runs actions on the administration of the tenant's SharePoint (path 1). What is refused is refused with status
// 200.
func (c *Client) csom(ctx context.Context, k call, actions, paths string) ([]json.RawMessage, error) {
	if err := c.permit(ctx, k.tenant); err != nil {
		return nil, err
	}
	body := `<Request AddExpandoFieldTypeSuffix="true" SchemaVersion="15.0.0.0" LibraryVersion="16.0.0.0" ApplicationName="cipp-mcp" xmlns="http://schemas.microsoft.com/sharepoint/clientquery/2009">` +
		`<Actions><ObjectPath Id="2" ObjectPathId="1" />` + actions + `</Actions>` +
		`<ObjectPaths><Constructor Id="1" TypeId="{268004ae-ef6b-4e9b-8425-127220d84719}" />` + paths + `</ObjectPaths></Request>`
	var rows []json.RawMessage
	err := c.repeat(ctx, k, func(ctx context.Context) error {
		rows = nil
		req, err := http.NewRequestWithContext(withCall(ctx, k), http.MethodPost, k.base+"/_vti_bin/client.svc/ProcessQuery", bytes.NewReader([]byte(body)))
		if err != nil {
			return unbuilt(k, err)
		}
		req.Header.Set("Content-Type", "text/xml")
		req.Header.Set("Accept", "application/json")
		res, err := c.http.Do(req)
		if err != nil {
			return asError(k, err)
		}
		defer func() { _ = res.Body.Close() }()
		if err := json.NewDecoder(res.Body).Decode(&rows); err != nil || len(rows) == 0 {
			return unreadable(k, fmt.Errorf("%d rows: %w", len(rows), err))
		}
		return csomProblem(k, rows[0])
	})
	return rows, err
}

// csomProblem reads the first row of an answer: what went wrong, or null.
func csomProblem(k call, head json.RawMessage) error {
	var h struct {
		ErrorInfo *struct {
			ErrorMessage  string
			ErrorTypeName string
		}
		TraceCorrelationID string `json:"TraceCorrelationId"`
	}
	if err := json.Unmarshal(head, &h); err != nil {
		return unreadable(k, err)
	}
	if h.ErrorInfo == nil {
		return nil
	}
	e := &Error{Kind: Invalid, Service: string(k.service), Tenant: k.tenant, Status: http.StatusOK, RequestID: h.TraceCorrelationID,
		Code: cleanText(h.ErrorInfo.ErrorTypeName, 80), Message: cleanText(h.ErrorInfo.ErrorMessage, longestMessage)}
	switch e.Code[strings.LastIndexByte(e.Code, '.')+1:] {
	case "UnauthorizedAccessException":
		e.Kind, e.Message = RoleMissing, "Who signs in for this server lacks the role SharePoint Administrator in this tenant."
	case "SpoNoSiteException":
		e.Kind = NotFound
	}
	return e
}
