package graphclient

import (
	"crypto/x509"
	"strings"

	"go.uber.org/zap"

	"cipp-mcp/internal/clock"
)

// Mode says whose rights a Client acts with.
type Mode string

const (
	// App signs in as the application itself; what it may do in a tenant follows that tenant's consent
	// and the directory roles of its service principal there.
	App Mode = "app"
	// Partner redeems the partner administrator's refresh token in the customer's tenant; what it may do
	// follows the GDAP relationship and the security groups that administrator is a member of.
	Partner Mode = "partner"
	// AsUser acts as the person who signed in, in that person's own tenant and, as with Partner, where GDAP lets
	// the person in.
	AsUser Mode = "user"
)

// Cloud is where a Microsoft cloud lives. Base URLs have no trailing slash.
type Cloud struct {
	Name      string
	Authority string // sign-in, e.g. https://login.microsoftonline.com
	Graph     string // e.g. https://graph.microsoft.com
	Exchange  string // e.g. https://outlook.office365.com
	// SharePointDomain ends the names of the cloud's SharePoint sites. SharePoint is where all of them answer, in a
	// cloud that has not a host for each; tokens are asked for their names all the same.
	SharePointDomain string
	SharePoint       string
	// GraphAudience and ExchangeAudience are the resources tokens are asked for. Empty means those of the
	// public cloud, which is also right for a simulated cloud: it answers on other hosts but issues
	// tokens for Microsoft's resources.
	GraphAudience    string
	ExchangeAudience string
	// Push is where pushes of the authenticator are asked for; empty where that is not known.
	Push string
	// RootCAs are trusted instead of the system's, for a cloud with an authority of its own.
	RootCAs *x509.CertPool
}

// Microsoft's clouds, from the national-cloud endpoint tables of Microsoft Graph and Exchange Online.
var (
	Public = Cloud{Name: "public", Authority: "https://login.microsoftonline.com",
		Graph: "https://graph.microsoft.com", Exchange: "https://outlook.office365.com", SharePointDomain: "sharepoint.com", Push: "https://adnotifications.windowsazure.com"}
	USGov = Cloud{Name: "usgov", Authority: "https://login.microsoftonline.us",
		Graph: "https://graph.microsoft.us", Exchange: "https://outlook.office365.us", SharePointDomain: "sharepoint.us",
		GraphAudience: "https://graph.microsoft.us", ExchangeAudience: "https://outlook.office365.us"}
	DoD = Cloud{Name: "dod", Authority: "https://login.microsoftonline.us",
		Graph: "https://dod-graph.microsoft.us", Exchange: "https://outlook-dod.office365.us", SharePointDomain: "sharepoint-mil.us",
		GraphAudience: "https://dod-graph.microsoft.us", ExchangeAudience: "https://outlook-dod.office365.us"}
	China = Cloud{Name: "china", Authority: "https://login.chinacloudapi.cn",
		Graph: "https://microsoftgraph.chinacloudapi.cn", Exchange: "https://partner.outlook.cn", SharePointDomain: "sharepoint.cn",
		GraphAudience: "https://microsoftgraph.chinacloudapi.cn", ExchangeAudience: "https://partner.outlook.cn"}
)

// scope is the /.default scope of the service's audience.
func (c Cloud) scope(s service) string {
	audience := c.GraphAudience
	fallback := Public.Graph
	if s == exchangeService {
		audience, fallback = c.ExchangeAudience, Public.Exchange
	}
	if audience == "" {
		audience = fallback
	}
	return audience + "/.default"
}

// trimmed is c without trailing slashes on its base URLs.
func (c Cloud) trimmed() Cloud {
	c.Authority = strings.TrimRight(c.Authority, "/")
	c.Graph = strings.TrimRight(c.Graph, "/")
	c.Exchange = strings.TrimRight(c.Exchange, "/")
	c.SharePoint = strings.TrimRight(c.SharePoint, "/")
	return c
}

// Auth is the credential. TenantID is the application's own tenant: the partner's, or the only one.
type Auth struct {
	Mode           Mode
	TenantID       string
	ClientID       string
	ClientSecret   string
	CertificatePEM []byte // certificate and private key; used where there is no ClientSecret
	RefreshToken   string // Partner only
	// SaveRefreshToken is told each rotated refresh token. Losing one is not fatal: the earlier one stays
	// valid until it expires, so an error is logged and the call goes on.
	SaveRefreshToken func(string) error
	// SignIn is how the person of AsUser signs in; with DeviceCode, Prompt tells the person what to do.
	SignIn SignInWay
	Prompt func(DeviceSignIn)
}

// Config is what New needs. Zero values of the optional fields are given a default by New.
type Config struct {
	Cloud     Cloud
	Auth      Auth
	Clock     clock.Clock // default: the machine's
	Allow     []string    // tenants (id or domain) that may be used; empty means all
	Deny      []string    // tenants (id or domain) that may not be used; wins over Allow
	UserAgent string
	Log       *zap.Logger
	FanOut    int // tenants worked on at once by ForEachTenant, default 48
}
