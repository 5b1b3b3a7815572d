package httpd

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of the proxies whose word about their clients' addresses
// is believed.
type Proxies []netip.Prefix

// maxHops is how many addresses of a chain of proxies are looked at.
const maxHops = 16

// ParseProxies parses networks in CIDR notation and single addresses.
func ParseProxies(texts []string) (Proxies, error) {
	var list Proxies
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, notIP := netip.ParseAddr(text)
			if notIP != nil {
				return nil, fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", text)
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		if address := network.Addr(); address.Is4In6() && network.Bits() >= 96 {
			network = netip.PrefixFrom(address.Unmap(), network.Bits()-96)
		}
		list = append(list, network.Masked())
	}
	return list, nil
}

func (p Proxies) trusts(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// client returns the name of the client that sent the request. For IPv6 it is the
// /64 network, since one client can use all addresses in it.
func (p Proxies) client(r *http.Request) string {
	address, ok := parseAddress(r.RemoteAddr)
	if !ok {
		return r.RemoteAddr
	}
	if p.trusts(address) {
		address = p.behind(r.Header, address)
	}
	if address.Is6() {
		network, _ := address.Prefix(64) // never fails for IPv6
		return network.String()
	}
	return address.String()
}

// behind returns the address of the client of a trusted proxy: the last one in the
// chain that is not itself a trusted proxy. Addresses before it could be invented.
// If both headers are present, Forwarded counts, because it is the standard.
func (p Proxies) behind(header http.Header, proxy netip.Addr) netip.Addr {
	chain := forwardedFor(header.Values("Forwarded"))
	if len(chain) == 0 {
		chain = list(header.Values("X-Forwarded-For"))
	}
	for hop := range min(len(chain), maxHops) {
		address, ok := parseAddress(chain[len(chain)-1-hop])
		if !ok { // an unknown or obfuscated name: the proxy before it is all that is known
			return proxy
		}
		if proxy = address; !p.trusts(address) {
			return proxy
		}
	}
	return proxy
}

// list splits the values of a header at commas.
func list(values []string) []string {
	if len(values) == 0 {
		return nil
	}
	items := strings.Split(strings.Join(values, ","), ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// forwardedFor returns the for parameters of Forwarded headers (RFC 7239). An
// element without one is an empty text, since it is a hop too.
func forwardedFor(values []string) []string {
	var chain []string
	for _, element := range list(values) {
		hop := ""
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") {
				hop = strings.Trim(value, `"`)
			}
		}
		chain = append(chain, hop)
	}
	return chain
}

// parseAddress parses an address with or without a port, IPv6 with or without
// brackets.
func parseAddress(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return address.Unmap().WithZone(""), err == nil
}
