package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"sort"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/config"
	"cipp-mcp/tools"
)

// The application ids of the resources, the same in every tenant.
const (
	graphAppID    = "00000003-0000-0000-c000-000000000000"
	exchangeAppID = "00000002-0000-0ff1-ce00-000000000000"

	sharePointAppID = "00000003-0000-0ff1-ce00-000000000000"
)

// includes are permissions that Microsoft accepts in place of smaller ones: where the wide one is needed
// anyway, the small ones need not be asked for.
var includes = map[string][]string{
	"Directory.Read.All": {"Application.Read.All", "Device.Read.All", "Domain.Read.All", "Organization.Read.All"},
	"User.ReadWrite.All": {"User.EnableDisableAccount.All", "User.RevokeSessions.All", "LicenseAssignment.ReadWrite.All"},
}

// permissions are the least that the enabled tools need, without those another one includes.
func permissions(cfg config.Config) (graph, exchange, appRoles, gdapRoles []string) {
	add := func(to *[]string, names ...string) {
		for _, n := range names {
			if !slices.Contains(*to, n) {
				*to = append(*to, n)
			}
		}
	}
	add(&graph, "DelegatedAdminRelationship.Read.All")
	for _, t := range tools.All() {
		if off(cfg.Tools, t) != "" {
			continue
		}
		for _, p := range t.Needs.App {
			if strings.HasPrefix(p, "Exchange.") {
				add(&exchange, p)
			} else {
				add(&graph, p)
			}
		}
		add(&appRoles, t.Needs.AppRoles...)
		add(&gdapRoles, t.Needs.GDAPRoles...)
	}
	if len(appRoles) > 0 && slices.Contains(appRoles, "Exchange Administrator") {
		add(&exchange, "Exchange.ManageAsApp")
	}
	graph = slices.DeleteFunc(graph, func(p string) bool {
		wider, ok := strings.CutSuffix(p, ".Read.All")
		return ok && slices.Contains(graph, wider+".ReadWrite.All") || slices.ContainsFunc(graph, func(have string) bool { return slices.Contains(includes[have], p) })
	})
	for _, l := range []*[]string{&graph, &exchange, &appRoles, &gdapRoles} {
		sort.Strings(*l)
	}
	return graph, exchange, appRoles, gdapRoles
}

// onSharePoint are the tools that talk to SharePoint itself, besides Graph; sites says whether an application by itself may,
// with a certificate. The others Microsoft gives to people only.
var onSharePoint = []struct {
	tool, what string
	sites      bool
}{{"cipp_offboard_user", " (disableOneDriveSharing)", false}, {"cipp_provision_onedrive", "", false}, {"cipp_set_site_access", "", true}}

// sharePointTools are those of them that are enabled.
func sharePointTools(cfg config.Config, delegated bool) []string {
	var out []string
	for _, x := range onSharePoint {
		if t, ok := tools.ByName(x.tool); ok && off(cfg.Tools, t) == "" && (delegated || x.sites) {
			out = append(out, x.tool+x.what)
		}
	}
	return out
}

// guide prints the way in steps.
func (s setup) guide(w io.Writer, cfg config.Config) {
	graph, exchange, appRoles, gdapRoles := permissions(cfg)
	client := s.client
	if client == "" {
		client = "CLIENT_ID"
	}
	authority := authorities()[s.cloud]
	redirectURI := authority + "/common/oauth2/nativeclient" // where the browser lands after consent: a blank page
	p := func(format string, a ...any) { fmt.Fprintf(w, format+"\n", a...) }
	delegated := s.mode != "app"
	kind, list, sort := "Role", "appRoles", "application permissions"
	if delegated {
		kind, list, sort = "Scope", "oauth2PermissionScopes", "delegated permissions"
	}
	p("1. Register the application in your own tenant (Entra admin centre → App registrations → New registration)")
	p("   Name cipp-mcp, accounts in any organizational directory, redirect URI (public client) %s", redirectURI)
	p("   Or: az ad app create --display-name cipp-mcp --sign-in-audience AzureADMultipleOrgs --public-client-redirect-uris %s", redirectURI)
	if s.mode == config.ModeUser {
		p("   Then allow public client flows (Authentication; az: --is-fallback-public-client true). There is no secret.\n")
	} else {
		p("   Then make a client secret, or better upload a certificate (auth.certificate).\n")
	}
	p("2. Give it these permissions (%s), and no more; they are the least the enabled tools need", sort)
	p("   Microsoft Graph: %s", strings.Join(graph, ", "))
	if delegated {
		exchange = []string{"Exchange.Manage"}
	}
	if len(exchange) > 0 {
		p("   Office 365 Exchange Online: %s", strings.Join(exchange, ", "))
	}
	if of := sharePointTools(cfg, delegated); delegated && len(of) > 0 {
		p("   Office 365 SharePoint Online: AllSites.FullControl (%s)", strings.Join(of, ", "))
	} else if len(of) > 0 {
		p("   Office 365 SharePoint Online: Sites.FullControl.All (%s; with a certificate only, SharePoint refuses a secret)", strings.Join(of, ", "))
	}
	p("   Or, for each name (resource %s for Graph, %s for Exchange, %s for SharePoint):", graphAppID, exchangeAppID, sharePointAppID)
	p("     az ad app permission add --id %s --api RESOURCE --api-permissions $(az ad sp show --id RESOURCE --query \"%s[?value=='NAME'].id\" -o tsv)=%s\n", client, list, kind)
	customer := s.customer
	if customer == "" {
		customer = "CUSTOMER_DOMAIN"
	}
	p("3. Consent: an administrator opens this link once, in your own tenant and in each customer's")
	p("   %s/%s/adminconsent?client_id=%s&redirect_uri=%s\n", authority, url.PathEscape(customer), url.QueryEscape(client), url.QueryEscape(redirectURI))
	switch s.mode {
	case "app":
		p("4. Directory roles: in each customer, assign these to the enterprise application cipp-mcp")
		p("   %s\n", strings.Join(appRoles, ", "))
	case config.ModeUser:
		p("4. Whoever signs in needs these roles: in the own tenant as directory roles, in customers by GDAP, through a security group the person is in")
		p("   %s", strings.Join(gdapRoles, ", "))
		p("   The person is asked on standard error when the first call needs it, and again after every start: nothing of the sign-in is written to disk.")
		p("   With auth.signIn: azureCli the server uses what az is signed in as; Microsoft gives that no access to Exchange Online.\n")
	default:
		p("4. GDAP: the relationship with each customer needs these roles, assigned to a security group the partner administrator is in")
		p("   %s", strings.Join(gdapRoles, ", "))
		p("   The partner administrator signs in once with MFA to obtain the refresh token (offline_access).\n")
	}
	if s.mode != config.ModeUser {
		p("5. Secrets go into the keyring: cipp-mcp init --store-secret …")
	}
	p("   Generated passwords need cipp-mcp secrets init\n")
	snippets(w)
}

func authorities() map[string]string {
	return map[string]string{"public": graphclient.Public.Authority, "usgov": graphclient.USGov.Authority, "dod": graphclient.DoD.Authority, "china": graphclient.China.Authority}
}

// snippets are what to paste into the MCP clients people use.
func snippets(w io.Writer) {
	exe, err := os.Executable()
	if err != nil {
		exe = "cipp-mcp"
	}
	entry := map[string]any{"command": exe, "args": []string{"serve"}}
	show := func(v any) string {
		b, err := json.MarshalIndent(v, "   ", "  ")
		if err != nil {
			return ""
		}
		return string(b)
	}
	servers := map[string]any{"mcpServers": map[string]any{"cipp": entry}}
	fmt.Fprintf(w, "6. Tell your MCP client\n")
	fmt.Fprintf(w, "   Claude Desktop (claude_desktop_config.json) and Cursor (~/.cursor/mcp.json):\n   %s\n", show(servers))
	fmt.Fprintf(w, "   Claude Code:\n   claude mcp add cipp -- %q serve\n", exe)
	fmt.Fprintf(w, "   VS Code (.vscode/mcp.json):\n   %s\n", show(map[string]any{"servers": map[string]any{"cipp": map[string]any{"type": "stdio", "command": exe, "args": []string{"serve"}}}}))
}
