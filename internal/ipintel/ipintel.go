// Package ipintel tells what is known of an IP address from a table the operator gives: a JSON object of address or
// network to network number, kind and country, or a file in MaxMind's format. Nothing is asked of the network.
package ipintel

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Fact is what is known of an address. Zero values are not known.
type Fact struct {
	ASN     int    `json:"asn"`
	Type    string `json:"type"` // isp | mobile | hosting | vpn | proxy | tor
	Country string `json:"country"`
}

// Table answers for addresses.
type Table struct {
	exact map[netip.Addr]Fact
	nets  []network
	mmdb  *maxminddb.Reader
}

type network struct {
	prefix netip.Prefix
	fact   Fact
}

// Open reads a table: a .mmdb file, or JSON such as {"203.0.113.0/24": {"asn": 64500, "type": "hosting", "country": "NL"}}.
func Open(path string) (*Table, error) {
	if strings.HasSuffix(strings.ToLower(path), ".mmdb") {
		r, err := maxminddb.Open(path)
		if err != nil {
			return nil, fmt.Errorf("open the table of addresses: %w", err)
		}
		return &Table{mmdb: r}, nil
	}
	b, err := os.ReadFile(path) //nolint:gosec // the operator names his own file
	if err != nil {
		return nil, fmt.Errorf("open the table of addresses: %w", err)
	}
	return Parse(b)
}

// Parse reads a JSON table. Of several networks that hold an address the smallest counts.
func Parse(b []byte) (*Table, error) {
	var rows map[string]Fact
	if err := json.Unmarshal(b, &rows); err != nil {
		return nil, fmt.Errorf("read the table of addresses: %w", err)
	}
	t := &Table{exact: map[netip.Addr]Fact{}}
	for name, fact := range rows {
		if a, err := netip.ParseAddr(name); err == nil {
			t.exact[a.Unmap()] = fact
			continue
		}
		p, err := netip.ParsePrefix(name)
		if err != nil {
			return nil, fmt.Errorf("the table of addresses names %q, which is neither an address nor a network", name)
		}
		t.nets = append(t.nets, network{p.Masked(), fact})
	}
	return t, nil
}

// Look is what is known of an address; false when nothing is. A nil table knows nothing.
func (t *Table) Look(a netip.Addr) (Fact, bool) {
	if t == nil {
		return Fact{}, false
	}
	a = a.Unmap()
	if t.mmdb != nil {
		return t.lookUp(a)
	}
	if f, ok := t.exact[a]; ok {
		return f, true
	}
	best := -1
	for i, n := range t.nets {
		if n.prefix.Contains(a) && (best < 0 || n.prefix.Bits() > t.nets[best].prefix.Bits()) {
			best = i
		}
	}
	if best < 0 {
		return Fact{}, false
	}
	return t.nets[best].fact, true
}

// record holds the fields of MaxMind's ASN, Country, City and Anonymous IP databases that matter here.
type record struct {
	ASN     int `maxminddb:"autonomous_system_number"`
	Country struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Hosting bool `maxminddb:"is_hosting_provider"`
	VPN     bool `maxminddb:"is_anonymous_vpn"`
	Proxy   bool `maxminddb:"is_public_proxy"`
	Tor     bool `maxminddb:"is_tor_exit_node"`
}

func (t *Table) lookUp(a netip.Addr) (Fact, bool) {
	found := t.mmdb.Lookup(a)
	var r record
	if !found.Found() || found.Decode(&r) != nil {
		return Fact{}, false
	}
	f := Fact{ASN: r.ASN, Country: r.Country.ISO}
	switch {
	case r.Tor:
		f.Type = "tor"
	case r.VPN:
		f.Type = "vpn"
	case r.Proxy:
		f.Type = "proxy"
	case r.Hosting:
		f.Type = "hosting"
	}
	return f, true
}

// Close gives the file back.
func (t *Table) Close() error {
	if t == nil || t.mmdb == nil {
		return nil
	}
	return t.mmdb.Close() //nolint:wrapcheck // closing tells nothing more
}
