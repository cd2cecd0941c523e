// Package clients drives the sandbox with clients that share nothing with this project: Microsoft's
// libraries for JavaScript, and the typed models of Microsoft's SDK for Go.
package clients

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	kiotaserialization "github.com/microsoft/kiota-abstractions-go/serialization"
	kiotaauth "github.com/microsoft/kiota-authentication-azure-go"
	kiotajson "github.com/microsoft/kiota-serialization-json-go"
	graphcore "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/sandboxtest"
)

const customer, customerDomain = "Harbourline Freight", "harbourline.example"

// weather is what the JavaScript client must come through: a throttled read and a new user that is seen late.
const weather = `[
 {"match": {"service": "graph", "method": "GET", "path": "/subscribedSkus"}, "do": {"status": 429, "retryAfter": 1}, "times": 1},
 {"match": {"service": "graph", "method": "POST", "path": "/users"}, "do": {"lag": "2s"}, "times": 1}]`

func TestJavaScriptClients(t *testing.T) {
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("Microsoft's JavaScript clients are not installed: run npm install --package-lock=false in test/clients")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	dir := t.TempDir()
	s := sandboxtest.Start(t, sandbox.Options{OutDir: dir, Faults: []byte(weather)})
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "graph.mjs", filepath.Join(dir, "client.json"), customer)
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+filepath.Join(dir, "ca.pem"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if n := s.FaultsHit(); n != 2 {
		t.Errorf("the client met %d of 2 faults", n)
	}
	t.Log(out.String())
}

// sdk is Microsoft's request adapter for one tenant of the sandbox.
func sdk(t *testing.T, s *sandbox.Server, tenant string) *graphcore.GraphRequestAdapterBase {
	t.Helper()
	kiotaserialization.DefaultParseNodeFactoryInstance.ContentTypeAssociatedFactories["application/json"] = kiotajson.NewJsonParseNodeFactory()
	kiotaserialization.DefaultSerializationWriterFactoryInstance.ContentTypeAssociatedFactories["application/json"] = kiotajson.NewJsonSerializationWriterFactory()
	c := s.Client()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	cred, err := azidentity.NewClientSecretCredential(tenant, c.Auth.ClientID, c.Auth.ClientSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{
			Cloud:     azcloud.Configuration{ActiveDirectoryAuthorityHost: c.Authority},
			Transport: &http.Client{Transport: transport},
		},
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(c.Graph)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := kiotaauth.NewAzureIdentityAuthenticationProviderWithScopesAndValidHosts(cred, []string{"https://graph.microsoft.com/.default"}, []string{u.Hostname()})
	if err != nil {
		t.Fatal(err)
	}
	a, err := graphcore.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(provider, graphcore.GraphClientOptions{GraphServiceVersion: "v1.0"}, nil, nil, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	a.SetBaseUrl(c.Graph + "/v1.0")
	return a
}

// tenantID is the GUID that OpenID discovery gives for a domain.
func tenantID(t *testing.T, s *sandbox.Server, domain string) string {
	t.Helper()
	var state struct {
		Tenants []struct{ TenantID, DefaultDomain string }
	}
	raw, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		t.Fatal(err)
	}
	for _, x := range state.Tenants {
		if x.DefaultDomain == domain {
			return x.TenantID
		}
	}
	t.Fatalf("no tenant has the domain %s", domain)
	return ""
}

func TestTypedModelsReadWhatWeServe(t *testing.T) {
	s := sandboxtest.Start(t, sandbox.Options{Clock: "2026-03-12T15:00:00Z,frozen"})
	a := sdk(t, s, tenantID(t, s, customerDomain))
	base := map[string]string{"baseurl": a.GetBaseUrl()}
	top, property := int32(5), []string{"id", "displayName", "userPrincipalName", "createdDateTime", "assignedLicenses", "proxyAddresses", "onPremisesSyncEnabled", "userType"}
	page, err := users.NewUsersRequestBuilderInternal(base, a).Get(t.Context(), &users.UsersRequestBuilderGetRequestConfiguration{
		QueryParameters: &users.UsersRequestBuilderGetQueryParameters{Top: &top, Select: property},
	})
	if err != nil {
		t.Fatal(err)
	}
	iterator, err := graphcore.NewPageIterator[models.Userable](page, a, models.CreateUserCollectionResponseFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	byUPN := map[string]models.Userable{}
	if err := iterator.Iterate(t.Context(), func(u models.Userable) bool {
		byUPN[strings.ToLower(*u.GetUserPrincipalName())] = u
		return true
	}); err != nil {
		t.Fatal(err)
	}
	dana, ingrid := byUPN["dana.whitfield@harbourline.example"], byUPN["ingrid.moreau@harbourline.example"]
	if dana == nil || ingrid == nil || len(byUPN) < 25 {
		t.Fatalf("%d users, dana %v, ingrid %v", len(byUPN), dana != nil, ingrid != nil)
	}
	if dana.GetCreatedDateTime() == nil || len(dana.GetAssignedLicenses()) != 1 || dana.GetAssignedLicenses()[0].GetSkuId().Version() != 4 {
		t.Errorf("created %v, %d licences", dana.GetCreatedDateTime(), len(dana.GetAssignedLicenses()))
	}
	if on := ingrid.GetOnPremisesSyncEnabled(); on == nil || !*on {
		t.Errorf("synchronized: %v", on)
	}

	user := users.NewUserItemRequestBuilderInternal(map[string]string{"baseurl": a.GetBaseUrl(), "user%2Did": *dana.GetId()}, a)
	methods, err := user.Authentication().Methods().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, m := range methods.GetValue() {
		switch m := m.(type) {
		case models.PhoneAuthenticationMethodable:
			kinds["phone"] = m.GetPhoneNumber() != nil && m.GetPhoneType() != nil
		case models.MicrosoftAuthenticatorAuthenticationMethodable:
			kinds["app"] = m.GetDisplayName() != nil
		case models.PasswordAuthenticationMethodable:
			kinds["password"] = true
		}
	}
	if !kinds["phone"] || !kinds["app"] || !kinds["password"] {
		t.Errorf("methods as the SDK types them: %v", kinds)
	}
	memberOf, err := user.MemberOf().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	unified := 0
	for _, o := range memberOf.GetValue() {
		if g, ok := o.(models.Groupable); ok && len(g.GetGroupTypes()) > 0 {
			unified++
		}
	}
	if unified != 3 {
		t.Errorf("%d Microsoft 365 groups", unified)
	}

	list, err := groups.NewGroupsRequestBuilderInternal(base, a).Get(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(list.GetValue()); n < 10 {
		t.Errorf("%d groups", n)
	}

	missing := users.NewUserItemRequestBuilderInternal(map[string]string{"baseurl": a.GetBaseUrl(), "user%2Did": "3f0b2f3e-9a1c-4c8e-9e63-51d0f0f4a111"}, a)
	_, err = missing.Get(t.Context(), nil)
	var odata *odataerrors.ODataError
	if !errors.As(err, &odata) || odata.GetErrorEscaped() == nil || *odata.GetErrorEscaped().GetCode() != "Request_ResourceNotFound" {
		t.Errorf("a missing user: %v", err)
	}
}
