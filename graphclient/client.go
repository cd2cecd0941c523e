package graphclient

import (
	"net/http"
	"strings"

	"go.uber.org/zap"

	"cipp-mcp/internal/clock"
)

// Client talks to all tenants of one cloud. It is safe for concurrent use.
type Client struct {
	cfg     Config
	clock   clock.Clock
	log     *zap.Logger
	wire    *http.Transport
	plain   *http.Client // sign-in and discovery: no token, no chain
	http    *http.Client // Graph and Exchange: the middleware chain
	v1      *adapter
	beta    *adapter
	tokens  *tokenCache
	user    *userGrant // nil unless a person signs in by device code
	budgets *budgets
	lists   *tenantLists
}

// New makes a Client. It sends nothing: a wrong secret shows on the first call. Mistakes in cfg that can be
// seen without a network are an *Error of kind Invalid.
func New(cfg Config) (*Client, error) {
	cfg.Cloud = cfg.Cloud.trimmed()
	if err := checkConfig(cfg); err != nil {
		return nil, err
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.FanOut <= 0 {
		cfg.FanOut = 48
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "cipp-mcp"
	}
	c := &Client{cfg: cfg, clock: cfg.Clock, log: cfg.Log}
	c.wire = newWire(cfg.Cloud.RootCAs)
	c.plain = &http.Client{Transport: c.wire, CheckRedirect: neverFollow}
	signer, err := newSigner(cfg, c.plain, c.log)
	if err != nil {
		return nil, err
	}
	c.user = signer.user
	c.tokens = newTokenCache(c.clock, signer)
	c.budgets = newBudgets(c.clock)
	c.lists = newTenantLists()
	c.http = c.newChain()
	if c.v1, err = newAdapter(c.http, cfg.Cloud.Graph+"/v1.0"); err != nil {
		return nil, err
	}
	if c.beta, err = newAdapter(c.http, cfg.Cloud.Graph+"/beta"); err != nil {
		return nil, err
	}
	return c, nil
}

// Close drops idle connections and gives up a sign-in that waits for a person. Calls under way are not disturbed.
func (c *Client) Close() {
	if c.user != nil {
		c.user.close()
	}
	c.wire.CloseIdleConnections()
}

// Mode says whose rights the Client acts with.
func (c *Client) Mode() Mode { return c.cfg.Auth.Mode }

// ClientID is the application this client signs in as.
func (c *Client) ClientID() string { return c.cfg.Auth.ClientID }

func checkConfig(cfg Config) error {
	for _, base := range []struct{ name, url string }{
		{"authority", cfg.Cloud.Authority}, {"graph", cfg.Cloud.Graph}, {"exchange", cfg.Cloud.Exchange},
	} {
		if !strings.HasPrefix(base.url, "https://") && !strings.HasPrefix(base.url, "http://") {
			return invalid("The cloud's " + base.name + " address must be an https URL.")
		}
	}
	a := cfg.Auth
	switch {
	case a.Mode != App && a.Mode != Partner && a.Mode != AsUser:
		return invalid(`The sign-in mode must be "app", "partner" or "user".`)
	case a.Mode == AsUser:
		return checkUserSignIn(a)
	case a.TenantID == "" || a.ClientID == "":
		return invalid("Sign-in needs the tenant id and the client id of the application.")
	case a.ClientSecret == "" && len(a.CertificatePEM) == 0:
		return invalid("Sign-in needs a client secret or a certificate.")
	case a.Mode == Partner && a.RefreshToken == "":
		return invalid("Partner sign-in needs the partner administrator's refresh token.")
	}
	return nil
}

func checkUserSignIn(a Auth) error {
	switch {
	case a.SignIn != DeviceCode && a.SignIn != AzureCLI:
		return invalid(`A person signs in by "deviceCode" or "azureCli".`)
	case a.TenantID == "":
		return invalid("Sign-in needs the tenant id of the person's own tenant.")
	case a.SignIn == DeviceCode && (a.ClientID == "" || a.Prompt == nil):
		return invalid("Sign-in by device code needs the client id of an application that allows public client flows, and a terminal.")
	}
	return nil
}
