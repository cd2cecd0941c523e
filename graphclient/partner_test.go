package graphclient

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestPartnerRedeemsTheRefreshTokenAtTheCustomer(t *testing.T) {
	f := newFake(t, ada)
	n := 0
	f.signin = func(w http.ResponseWriter, r *http.Request) {
		n++
		answer(w, 200, fmt.Sprintf(`{"token_type":"Bearer","expires_in":3600,"access_token":%q,"refresh_token":"rt%d"}`, f.token(n), n))
	}
	var mu sync.Mutex
	var saved []string
	c := f.client(func(cfg *Config) {
		cfg.Auth.Mode, cfg.Auth.RefreshToken = Partner, "rt0"
		cfg.Auth.SaveRefreshToken = func(s string) error {
			mu.Lock()
			defer mu.Unlock()
			saved = append(saved, s)
			return errors.New("disk full")
		}
	})
	ctx := context.Background()
	for _, tenant := range []string{customer, customer, home} {
		if _, err := c.User(ctx, tenant, person); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Mailboxes(ctx, customer); err != nil {
		t.Fatal(err)
	}
	got := f.signinRequests()
	if len(got) != 3 || strings.Join(saved, ",") != "rt1,rt2,rt3" {
		t.Fatalf("%d sign-ins, saved %v", len(got), saved)
	}
	for i, want := range []struct{ tenant, refresh, scope string }{
		{customer, "rt0", "https://graph.microsoft.com/.default offline_access"},
		{home, "rt1", "https://graph.microsoft.com/.default offline_access"},
		{customer, "rt2", "https://outlook.office365.com/.default offline_access"},
	} {
		form, err := url.ParseQuery(got[i].Body)
		if err != nil || got[i].Path != "/"+want.tenant+"/oauth2/v2.0/token" || form.Get("refresh_token") != want.refresh || form.Get("scope") != want.scope ||
			form.Get("grant_type") != "refresh_token" || form.Get("client_secret") != "s~e+c/r=e t" || form.Get("client_id") == "" || got[i].Header.Get("Authorization") != "" {
			t.Errorf("%d: %s %v", i, got[i].Path, form)
		}
	}
}

func TestPartnerTokensFollowOurClock(t *testing.T) {
	f := newFake(t, ada)
	c := f.client(func(cfg *Config) { cfg.Auth.Mode, cfg.Auth.RefreshToken = Partner, "rt" })
	_, _ = c.User(context.Background(), customer, person)
	_ = f.clock.Sleep(context.Background(), time.Hour)
	_, _ = c.User(context.Background(), customer, person)
	if n := len(f.signinRequests()); n != 2 {
		t.Errorf("%d sign-ins", n)
	}
}

// testCertificate is a certificate with its key, in PEM.
func testCertificate(t *testing.T) ([]byte, *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...), key
}

func TestCertificateSignsInInBothModes(t *testing.T) {
	certificate, key := testCertificate(t)
	for _, mode := range []Mode{App, Partner} {
		t.Run(string(mode), func(t *testing.T) {
			f := newFake(t, ada)
			c := f.client(func(cfg *Config) {
				cfg.Auth.Mode, cfg.Auth.RefreshToken, cfg.Auth.ClientSecret, cfg.Auth.CertificatePEM = mode, "rt", "", certificate
			})
			if _, err := c.User(context.Background(), customer, person); err != nil {
				t.Fatal(err)
			}
			form, _ := url.ParseQuery(f.signinRequests()[0].Body)
			if form.Get("client_secret") != "" || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
				t.Errorf("%v", form)
			}
			token, err := jwt.Parse(form.Get("client_assertion"), func(*jwt.Token) (any, error) { return key.Public(), nil },
				jwt.WithoutClaimsValidation(), jwt.WithValidMethods([]string{"PS256", "RS256"}))
			if err != nil {
				t.Fatal(err)
			}
			claims := token.Claims.(jwt.MapClaims)
			if claims["iss"] != claims["sub"] || claims["aud"] != f.URL+"/"+customer+"/oauth2/v2.0/token" || token.Header["x5t#S256"] == nil && token.Header["x5t"] == nil {
				t.Errorf("%v %v", token.Header, claims)
			}
		})
	}
}

func TestSovereignCloudsAskForTheirOwnAudience(t *testing.T) {
	for _, cloud := range []Cloud{Public, USGov, DoD, China} {
		if s := cloud.scope(graphService); s != cloud.Graph+"/.default" {
			t.Errorf("%s: %s", cloud.Name, s)
		}
		if s := cloud.scope(exchangeService); s != cloud.Exchange+"/.default" {
			t.Errorf("%s: %s", cloud.Name, s)
		}
	}
	elsewhere := Cloud{Graph: "https://127.0.0.1:1"}
	if elsewhere.scope(graphService) != "https://graph.microsoft.com/.default" || elsewhere.scope(exchangeService) != "https://outlook.office365.com/.default" {
		t.Error(elsewhere.scope(graphService))
	}
}
