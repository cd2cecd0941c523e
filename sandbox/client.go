package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"cipp-mcp/sandbox/pusher"
)

// ClientInfo is what a client needs to use a cloud: the content of client.json.
type ClientInfo struct {
	Name      string `json:"name"`
	Authority string `json:"authority"`
	Graph     string `json:"graph"`
	Exchange  string `json:"exchange"`
	// SharePoint is where all of its sites and admin sites answer.
	SharePoint string     `json:"sharepoint"`
	CAFile     string     `json:"caFile,omitempty"` // beside client.json
	CA         string     `json:"ca,omitempty"`     // PEM
	Clock      string     `json:"clock,omitempty"`  // where the cloud's time is asked
	Auth       ClientAuth `json:"auth"`
	Pusher     ClientPush `json:"pusher"` // the simulated Password Pusher
}

// ClientPush is where Password Pusher is, and the API token of its account.
type ClientPush struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// ClientAuth is the application and its credentials; Mode is the one to use where nothing else is said.
type ClientAuth struct {
	Mode         string `json:"mode"`
	TenantID     string `json:"tenantId"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret,omitempty"`
	Certificate  string `json:"certificate,omitempty"` // PEM with the private key
	RefreshToken string `json:"refreshToken,omitempty"`
}

// Client is what a client needs to use this sandbox.
func (s *Server) Client() ClientInfo {
	p := s.cloud.Partner()
	c := ClientInfo{Name: "sandbox", Authority: s.url, Graph: s.url, Exchange: s.url, SharePoint: s.url, CA: string(s.ca),
		Auth:   ClientAuth{Mode: "app", TenantID: p.TenantID},
		Pusher: ClientPush{URL: s.url + pusher.Prefix, Token: s.pusher.Token()}}
	if s.options.Control {
		c.Clock = s.url + "/_sandbox/clock"
	}
	if len(p.Applications) > 0 {
		a := p.Applications[0]
		c.Auth.ClientID, c.Auth.ClientSecret = a.AppID, a.Secret
		if len(a.Certificates) > 0 {
			c.Auth.Certificate = a.Certificates[0]
		}
	}
	for _, u := range p.Users {
		if u.RefreshToken != "" {
			c.Auth.RefreshToken = u.RefreshToken
			break
		}
	}
	return c
}

func (s *Server) writeOut(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the sandbox's folder: %w", err)
	}
	c := s.Client()
	if len(s.ca) > 0 {
		c.CAFile = "ca.pem"
		if err := os.WriteFile(filepath.Join(dir, c.CAFile), s.ca, 0o600); err != nil {
			return err
		}
	}
	out, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "client.json"), append(out, '\n'), 0o600)
}
