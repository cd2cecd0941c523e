package ipintel_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"cipp-mcp/internal/ipintel"
)

func TestTheSmallestNetworkCounts(t *testing.T) {
	table, err := ipintel.Parse([]byte(`{"203.0.113.0/24": {"asn": 1, "type": "isp", "country": "SE"}, "203.0.113.64/26": {"asn": 2, "type": "hosting"}, "203.0.113.70": {"asn": 3, "type": "tor"}, "2001:db8::/32": {"asn": 4}}`))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]int{"203.0.113.1": 1, "203.0.113.65": 2, "203.0.113.70": 3, "::ffff:203.0.113.70": 3, "2001:db8::1": 4} {
		if f, ok := table.Look(netip.MustParseAddr(address)); !ok || f.ASN != want {
			t.Errorf("%s: %v %v", address, f, ok)
		}
	}
	if f, ok := table.Look(netip.MustParseAddr("198.51.100.1")); ok {
		t.Errorf("an unknown address is %v", f)
	}
	var none *ipintel.Table
	if _, ok := none.Look(netip.MustParseAddr("203.0.113.1")); ok || none.Close() != nil {
		t.Error("no table knows something")
	}
}

func TestATableThatIsNone(t *testing.T) {
	if _, err := ipintel.Parse([]byte(`{"office": {}}`)); err == nil {
		t.Error("a name passed for an address")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.json": "[", "a.mmdb": "no database"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ipintel.Open(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	if _, err := ipintel.Open(filepath.Join(dir, "missing.json")); err == nil {
		t.Error("a missing file was opened")
	}
}
