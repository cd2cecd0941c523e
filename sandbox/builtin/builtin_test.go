package builtin

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"cipp-mcp/sandbox/cloud"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func load(t *testing.T, state []byte) *cloud.Cloud {
	t.Helper()
	c, err := cloud.New(state, "2026-03-12T15:00:00Z,frozen", 1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStoryHoldsTogether(t *testing.T) {
	c := load(t, State)
	if n := len(c.Customers()); n < 5 {
		t.Fatalf("%d customers", n)
	}
	for _, tn := range c.Customers() {
		if !uuid.MatchString(tn.ID) {
			t.Errorf("%s: %s is no version 4 UUID", tn.DisplayName, tn.ID)
		}
		for _, u := range tn.Users().All() {
			if !uuid.MatchString(cloud.Str(u, "id")) {
				t.Errorf("%s: id %q", tn.DisplayName, u["id"])
			}
			if m := cloud.Str(u, "manager"); m != "" && tn.User(m) == nil {
				t.Errorf("%s: %s has a manager who is not there", tn.DisplayName, u["userPrincipalName"])
			}
			for _, l := range cloud.Objects(u, "assignedLicenses") {
				if tn.Sku(cloud.Str(l, "skuId")) == nil {
					t.Errorf("%s: %s has a licence nobody subscribed to", tn.DisplayName, u["userPrincipalName"])
				}
			}
		}
		for _, g := range tn.Groups().All() {
			for _, m := range append(cloud.Strings(g, "members"), cloud.Strings(g, "owners")...) {
				if tn.User(m) == nil {
					t.Errorf("%s: group %s lists %s, who is not there", tn.DisplayName, g["displayName"], m)
				}
			}
		}
		for _, s := range tn.Collection("subscribedSkus").All() {
			if cloud.FreeSeats(s) < 0 {
				t.Errorf("%s: more than all seats of %s are taken", tn.DisplayName, s["skuPartNumber"])
			}
		}
		for _, m := range tn.Mailboxes() {
			if tn.User(cloud.Str(m, "ExternalDirectoryObjectId")) == nil {
				t.Errorf("%s: mailbox %s belongs to nobody", tn.DisplayName, m["UserPrincipalName"])
			}
		}
	}
}

// The file may name documentation addresses and reserved domains only (RFC 5737, RFC 2606).
func TestStoryNamesNobodyReal(t *testing.T) {
	for _, ip := range regexp.MustCompile(`"(\d+\.\d+\.\d+)\.\d+[":]`).FindAllSubmatch(State, -1) {
		switch string(ip[1]) {
		case "192.0.2", "198.51.100", "203.0.113":
		default:
			if !strings.HasPrefix(string(ip[1]), "10.0.") && !strings.HasPrefix(string(ip[1]), "6.") { // operating system versions
				t.Errorf("address %s.x is not reserved for documentation", ip[1])
			}
		}
	}
	for _, d := range regexp.MustCompile(`@([a-z0-9.-]+\.[a-z]+)`).FindAllSubmatch(State, -1) {
		name := string(d[1])
		if !strings.HasSuffix(name, ".example") && !strings.HasSuffix(name, ".onmicrosoft.com") && !strings.HasPrefix(name, "odata.") {
			t.Errorf("domain %s is not reserved", name)
		}
	}
}

func TestGenerate(t *testing.T) {
	one, two := Generate(7, 3, 40), Generate(7, 3, 40)
	if !bytes.Equal(one, two) {
		t.Fatal("the same seed gave different states")
	}
	if bytes.Equal(one, Generate(8, 3, 40)) {
		t.Fatal("the seed makes no difference")
	}
	c := load(t, one)
	if n := len(c.Customers()); n != 3 {
		t.Fatalf("%d tenants", n)
	}
	for _, tn := range c.Customers() {
		if tn.Users().Len() != 40 || !tn.PremiumP2() || len(tn.Consents) == 0 {
			t.Fatalf("%s: %d users, premium %v, %d consents", tn.DisplayName, tn.Users().Len(), tn.PremiumP2(), len(tn.Consents))
		}
	}
	var any map[string]any
	if err := json.Unmarshal(one, &any); err != nil {
		t.Fatal(err)
	}
}
