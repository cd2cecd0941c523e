package judge

import (
	"net/netip"
	"strings"
)

// address reads the forms in which logs write an address: v4, v4:port, [v6]:port, ::ffff:v4.
func address(s string) netip.Addr {
	s = strings.TrimSpace(s)
	if s == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		p, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}
		}
		a = p.Addr()
	}
	return a.Unmap().WithZone("")
}

// near is the address as it is compared: a v6 network of 64 bits stands for its hosts, except at a hoster.
func near(a netip.Addr, hosting bool) netip.Addr {
	if a.Is6() && !hosting {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// ofMicrosoft tells the addresses by which Microsoft's own services act in a mailbox.
func ofMicrosoft(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return true
	}
	for _, p := range catalogue().ServiceRanges.Prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
