package config

import (
	"slices"
	"strings"
)

// Customer is what the operator knows of a customer and the tenant does not tell. It explains what looks odd in an
// investigation; nobody but the operator can say it.
type Customer struct {
	// TrustedForwardDomains are foreign domains to which forwarding is agreed: a ticket system, a second company.
	TrustedForwardDomains []string `yaml:"trustedForwardDomains"`
	// ApprovedApps are applications, by application id, whose consent is agreed.
	ApprovedApps []string `yaml:"approvedApps"`
	// ApprovedPartnerTenants are tenants whose people work on this customer, by tenant id.
	ApprovedPartnerTenants []string `yaml:"approvedPartnerTenants"`
}

// Investigation is what investigations read beside Microsoft.
type Investigation struct {
	// IPIntel is a table of addresses: a MaxMind .mmdb, or JSON of address or network → {asn, type, country}.
	IPIntel string `yaml:"ipIntel"`
}

// CustomerOf is what the operator knows of a tenant, by its id or one of its names, with what holds for all.
func (c Config) CustomerOf(names ...string) Customer {
	out := c.Customers["default"]
	for key, k := range c.Customers {
		if key == "default" || !slices.ContainsFunc(names, func(n string) bool { return n != "" && strings.EqualFold(key, n) }) {
			continue
		}
		out.TrustedForwardDomains = slices.Concat(out.TrustedForwardDomains, k.TrustedForwardDomains)
		out.ApprovedApps = slices.Concat(out.ApprovedApps, k.ApprovedApps)
		out.ApprovedPartnerTenants = slices.Concat(out.ApprovedPartnerTenants, k.ApprovedPartnerTenants)
	}
	return out
}
