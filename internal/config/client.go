package config

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
)

// CloudFile is a client.json: the hosts of a cloud, the certificate authority it is trusted by, and
// the credential to use there. A stand-alone sandbox writes one.
type CloudFile struct {
	Name      string `json:"name"`
	Authority string `json:"authority"`
	Graph     string `json:"graph"`
	Exchange  string `json:"exchange"`
	// SharePoint is where all of its sites answer; empty: each under its own name, as Microsoft's do.
	SharePoint string `json:"sharepoint,omitempty"`
	CAFile     string `json:"caFile,omitempty"`
	CA         string `json:"ca,omitempty"`
	Clock      string `json:"clock,omitempty"`
	Auth       struct {
		Mode         string `json:"mode"`
		TenantID     string `json:"tenantId"`
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret,omitempty"`
		Certificate  string `json:"certificate,omitempty"`
		RefreshToken string `json:"refreshToken,omitempty"`
	} `json:"auth"`
	// Pusher is a Password Pusher that belongs to the cloud, used where the configuration names none.
	Pusher struct {
		URL   string `json:"url"`
		Token string `json:"token"`
	} `json:"pusher"`
}

// private says whether what is sent to an address is seen by nobody else: https, or this machine itself.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// ReadCloudFile reads a client.json and the CA file beside it.
func ReadCloudFile(path string) (CloudFile, error) {
	var f CloudFile
	data, err := os.ReadFile(path) //nolint:gosec // the operator names his own file
	if err != nil {
		return f, fmt.Errorf("read the cloud's description: %w", err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	if f.Authority == "" || f.Graph == "" || f.Exchange == "" {
		return f, fmt.Errorf("%s: authority, graph and exchange are needed", path)
	}
	for _, u := range []string{f.Authority, f.Graph, f.Exchange, f.SharePoint, f.Clock, f.Pusher.URL} {
		if u != "" && !private(u) {
			return f, fmt.Errorf("%s: %s must be an https address; credentials and passwords would travel in the clear", path, u)
		}
	}
	if f.CA == "" && f.CAFile != "" {
		ca := f.CAFile
		if !filepath.IsAbs(ca) {
			ca = filepath.Join(filepath.Dir(path), ca)
		}
		b, err := os.ReadFile(ca) //nolint:gosec // named by the file the operator named
		if err != nil {
			return f, fmt.Errorf("read the cloud's certificate authority: %w", err)
		}
		f.CA = string(b)
	}
	return f, nil
}
