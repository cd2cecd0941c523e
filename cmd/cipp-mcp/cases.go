package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/ipintel"
	"cipp-mcp/tools"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// callPatience keeps a call under the minute after which many clients give up.
const callPatience = 45 * time.Second

// cases is what investigations work with. What a sandbox's state file says of customers and addresses stands beside
// the configuration: there it is the operator's knowledge.
func (a *app) cases(stateDir string) (tools.Cases, error) {
	leaving, leave := context.WithCancel(context.Background())
	c := tools.Cases{Store: casefile.Open(stateDir), Patience: callPatience, Leaving: leaving}
	a.leave = leave
	table, err := a.addresses()
	if err != nil {
		return c, err
	}
	a.closers = append(a.closers, func() { _ = table.Close() })
	c.Intel = func(ip netip.Addr) (bec.Intel, bool) {
		f, ok := table.Look(ip)
		return bec.Intel{ASN: f.ASN, Type: f.Type, Country: f.Country}, ok
	}
	c.Customer = a.customer
	return c, nil
}

func (a *app) addresses() (*ipintel.Table, error) {
	if a.cfg.BEC.IPIntel != "" {
		return ipintel.Open(a.cfg.BEC.IPIntel)
	}
	if a.sandbox != nil {
		return ipintel.Parse(a.sandbox.IPIntel())
	}
	return nil, nil //nolint:nilnil // no table knows nothing
}

func (a *app) customer(t graphclient.Tenant) tools.Customer {
	k := a.cfg.CustomerOf(t.ID, t.DefaultDomain, t.InitialDomain)
	out := tools.Customer{TrustedForwardDomains: k.TrustedForwardDomains, ApprovedApps: k.ApprovedApps, ApprovedPartnerTenants: k.ApprovedPartnerTenants, BreakGlass: a.cfg.Guards.BreakGlass}
	if a.sandbox == nil {
		return out
	}
	var known tools.Customer
	if err := json.Unmarshal(a.sandbox.Operator(t.ID), &known); err != nil {
		a.log.Warn(fmt.Sprintf("the state file's operator of %s cannot be read", t.DefaultDomain))
		return out
	}
	out.TrustedForwardDomains = append(out.TrustedForwardDomains, known.TrustedForwardDomains...)
	out.ApprovedApps = append(out.ApprovedApps, known.ApprovedApps...)
	out.ApprovedPartnerTenants = append(out.ApprovedPartnerTenants, known.ApprovedPartnerTenants...)
	out.BreakGlass = append(out.BreakGlass, known.BreakGlass...)
	return out
}
