package graphclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"go.uber.org/zap"
)

// SignInWay is how a person signs in.
type SignInWay string

// The ways of AsUser: with a code typed in on another device, or by what the Azure CLI is signed in as.
const (
	DeviceCode SignInWay = "deviceCode"
	AzureCLI   SignInWay = "azureCli"
)

// DeviceSignIn is what a person needs to sign in on another device. Nobody gets in by knowing it, but who uses it
// decides as whom this program acts: it is for the terminal, not for a model.
type DeviceSignIn struct{ URL, Code, Message string }

// userGrant signs in as the person who typed a device code in. Tokens for customers come of the same sign-in, by
// the refresh token at the customer's authority, and reach as far as GDAP lets that person. All of it stays in
// memory: a new process means a new sign-in. The library answers its callers one after the other, which is the
// price of one sign-in for all tenants.
type userGrant struct {
	credential *azidentity.DeviceCodeCredential
	first      policy.TokenRequestOptions // what the sign-in itself asks for
	log        *zap.Logger
	life       context.Context //nolint:containedctx // a sign-in outlives the call that began it, and ends with the Client
	stop       context.CancelFunc

	mu      sync.Mutex
	in      bool
	once    sync.Once
	entered chan struct{} // closed when somebody has signed in for the first time
	now     *deviceSignIn // under way
}

// deviceSignIn is a sign-in under way; err is valid once done is closed.
type deviceSignIn struct {
	done chan struct{}
	err  error
}

func newUserGrant(cfg Config, options azcore.ClientOptions, elsewhere bool, log *zap.Logger) (*userGrant, error) {
	options.Transport = listening{options.Transport}
	prompt := cfg.Auth.Prompt
	credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options, TenantID: cfg.Auth.TenantID, ClientID: cfg.Auth.ClientID, AdditionallyAllowedTenants: []string{"*"},
		DisableAutomaticAuthentication: true, DisableInstanceDiscovery: elsewhere,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			prompt(DeviceSignIn{URL: m.VerificationURL, Code: m.UserCode, Message: m.Message})
			return nil
		}})
	if err != nil {
		return nil, invalid("Sign-in by device code cannot be set up: " + cleanText(err.Error(), 160) + ".")
	}
	g := &userGrant{credential: credential, log: log, entered: make(chan struct{}), first: policy.TokenRequestOptions{Scopes: []string{cfg.Cloud.scope(graphService)}, TenantID: cfg.Auth.TenantID}}
	g.life, g.stop = context.WithCancel(context.Background())
	return g, nil
}

// GetToken never waits for a person: where one is needed the sign-in is begun, and the call fails with
// SignInNeeded.
func (g *userGrant) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if !g.signedIn() {
		g.begin() //nolint:contextcheck // lives longer than the call
		return azcore.AccessToken{}, signInNeeded(o.TenantID)
	}
	var h heard
	got, err := g.credential.GetToken(context.WithValue(ctx, heardKey{}, &h), o)
	var needed *azidentity.AuthenticationRequiredError
	if !errors.As(err, &needed) {
		return got, err
	}
	// The library says no more than that it would ask the person. Whether that helps, Microsoft's answer says: a
	// customer without GDAP stays closed to whoever signs in.
	status, header, body, lostErr := h.last()
	if lostErr != nil {
		return got, lost(call{service: signinService, tenant: o.TenantID}, lostErr, false)
	}
	if status >= http.StatusBadRequest {
		if e := signinAnswer(o.TenantID, status, header, body); e.Kind != SecretExpired {
			return got, e
		}
	}
	g.mu.Lock()
	g.in = false
	g.mu.Unlock()
	g.begin() //nolint:contextcheck // as above
	return got, signInNeeded(o.TenantID)
}

func signInNeeded(tenant string) *Error {
	return &Error{Kind: SignInNeeded, Service: string(signinService), Tenant: tenant, notSent: true,
		Message: "A person has to sign this server in first: the address and the code stand on its terminal (standard error)."}
}

func (g *userGrant) signedIn() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.in
}

// begin asks a person to sign in, unless one is being asked.
func (g *userGrant) begin() *deviceSignIn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now != nil {
		return g.now
	}
	s := &deviceSignIn{done: make(chan struct{})}
	g.now = s
	go func() {
		var h heard // the library has used the last answer's body up itself
		_, err := g.credential.Authenticate(context.WithValue(g.life, heardKey{}, &h), &g.first)
		g.mu.Lock()
		g.in, g.now = err == nil, nil
		if err == nil {
			g.once.Do(func() { close(g.entered) })
		}
		g.mu.Unlock()
		if err != nil {
			own := signinError(g.first.TenantID, err)
			if status, header, body, _ := h.last(); status >= http.StatusBadRequest {
				own = signinAnswer(g.first.TenantID, status, header, body)
			}
			s.err = own
			g.log.Warn("nobody signed in", zap.String("why", own.Error()))
		}
		close(s.done)
	}()
	return s
}

// wait returns when a person has signed in, or has not.
func (g *userGrant) wait(ctx context.Context) error {
	if g.signedIn() {
		return nil
	}
	s := g.begin() //nolint:contextcheck // as above
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return lost(call{service: signinService, tenant: g.first.TenantID}, ctx.Err(), false)
	}
}

// close gives up a sign-in that is under way.
func (g *userGrant) close() {
	g.stop()
	g.mu.Lock()
	s := g.now
	g.mu.Unlock()
	if s != nil {
		<-s.done
	}
}

// heard keeps the last failure of the sign-in service within one call.
type heard struct {
	mu     sync.Mutex
	status int
	header http.Header
	body   []byte
	err    error
}

func (h *heard) last() (int, http.Header, []byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status, h.header, h.body, h.err
}

type heardKey struct{}

// listening lets a call know what the sign-in service answered, which the library keeps to itself.
type listening struct{ next policy.Transporter }

func (l listening) Do(req *http.Request) (*http.Response, error) {
	res, err := l.next.Do(req)
	h, ok := req.Context().Value(heardKey{}).(*heard)
	if !ok {
		return res, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status, h.header, h.body, h.err = 0, nil, nil, err
	if err != nil || res.StatusCode < http.StatusBadRequest {
		return res, err
	}
	h.status, h.header = res.StatusCode, res.Header
	h.body, h.err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(h.body))
	return res, nil
}

// cliGrant takes the tokens of the Azure CLI, as whoever is signed in there.
type cliGrant struct{ credential azcore.TokenCredential }

// GetToken runs az. The CLI keeps a cache of its own, and cannot be asked past it.
func (g cliGrant) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	challenged := o.Claims != "" && o.Claims != freshClaims
	o.Claims = ""
	if challenged {
		return azcore.AccessToken{}, cliError(o.TenantID, "Microsoft demands a new sign-in of the Azure CLI.")
	}
	got, err := g.credential.GetToken(ctx, o)
	if err == nil {
		return got, nil
	}
	if e := signinError(o.TenantID, err); e.Code != "" {
		return got, e
	}
	text := err.Error()
	if i := strings.Index(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return got, cliError(o.TenantID, "The Azure CLI gave no token: "+strings.TrimSuffix(cleanText(text, 160), ".")+".")
}

func cliError(tenant, what string) *Error {
	return &Error{Kind: SignInFailed, Service: string(signinService), Tenant: tenant, notSent: true,
		Message: what + " On the server's machine run: az login --allow-no-subscriptions --tenant " + tenant}
}

// SignIn lets a person sign in where one has to and nobody has, and waits for it. In the other modes, and with the
// Azure CLI, it only proves that a token is given.
func (c *Client) SignIn(ctx context.Context) error {
	if c.user != nil {
		return c.user.wait(ctx)
	}
	_, err := c.tokens.get(ctx, c.cfg.Auth.TenantID, c.cfg.Cloud.scope(graphService))
	return err
}

// Entered is closed once this Client can sign in without a person: at once but for a sign-in by device code. Who
// works unasked waits for it, so that nothing fails because nobody has come yet.
func (c *Client) Entered() <-chan struct{} {
	if c.user != nil {
		return c.user.entered
	}
	open := make(chan struct{})
	close(open)
	return open
}

// NeedsPerson reports whether nothing can be done before a person has signed in.
func (c *Client) NeedsPerson() bool { return c.user != nil && !c.user.signedIn() }

// otherSignIn is the refusal of what Microsoft gives only to another kind of sign-in than this Client's. Nothing is
// sent.
func (c *Client) otherSignIn(tenant, what, needs, mode string) *Error {
	how := map[Mode]string{App: "as an application", Partner: "in the name of the partner's administrator", AsUser: "as a person"}[c.cfg.Auth.Mode]
	return &Error{Kind: OtherSignIn, Tenant: tenant, notSent: true,
		Message: what + " needs " + needs + " (auth.mode " + mode + "); this server signs in " + how + ". Nothing was changed."}
}

// delegated reports whether the Client acts in a person's name.
func (c *Client) delegated() bool { return c.cfg.Auth.Mode != App }
