package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// disguise replaces every name, id, address and date of a case, the same one by the same. What comes out must not
// change: nothing may be found by who or where it is. Ids that Microsoft or a product's maker gave are no names.
type disguise struct {
	rand *rand.Rand
	to   map[string]string
	keep map[string]bool
}

var (
	guidText    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	ipText      = regexp.MustCompile(`\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}\b`)
	domainText  = regexp.MustCompile(`\b[a-z0-9-]+\.(?:example|test)\b`)
	personText  = regexp.MustCompile(`\b[a-z]+\.[a-z]+@`)
	wellKnownID = regexp.MustCompile(`^(?:0000000|f8cdef31|72f988bf)`)
)

func newDisguise(seed uint64, keep []string) *disguise {
	d := &disguise{rand: rand.New(rand.NewPCG(seed, 7)), to: map[string]string{}, keep: map[string]bool{}} //nolint:gosec // no secret
	for _, k := range keep {
		d.keep[k] = true
	}
	return d
}

// text replaces within any text: the state file, the expectations.
func (d *disguise) text(s string) string {
	s = guidText.ReplaceAllStringFunc(s, func(id string) string {
		if d.keep[id] || wellKnownID.MatchString(id) {
			return id
		}
		return d.same(id, func() string {
			return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", d.rand.Uint32(), d.rand.Uint32()&0xffff, d.rand.Uint32()&0xfff, d.rand.Uint32()&0xfff, d.rand.Uint64()&0xffffffffffff)
		})
	})
	s = ipText.ReplaceAllStringFunc(s, func(ip string) string {
		net := ip[:strings.LastIndexByte(ip, '.')]
		return d.same(net, d.network) + ip[len(net):]
	})
	s = personText.ReplaceAllStringFunc(s, func(p string) string { return d.same(p, func() string { return d.word() + "." + d.word() + "@" }) })
	return domainText.ReplaceAllStringFunc(s, func(name string) string {
		return d.same(name, func() string { return d.domain(name) })
	})
}

// domain is another name; one that imitates a name already replaced imitates what took that one's place.
func (d *disguise) domain(name string) string {
	for old, n := range d.to {
		if len(old) == len(name) && len(n) > 1 && strings.Contains(old, ".") && differ(old, name) == 1 && strings.HasSuffix(n, old[strings.LastIndexByte(old, '.'):]) {
			i := strings.LastIndexByte(n, '.') - 1
			return n[:i] + string('a'+(n[i]-'a'+7)%26) + n[i+1:]
		}
	}
	return d.word() + d.word() + name[strings.LastIndexByte(name, '.'):]
}

// differ counts the letters in which two names of one length are not the same.
func differ(a, b string) (n int) {
	for i := range len(a) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// network is one of those that stand in documentation, each once.
func (d *disguise) network() string {
	all := []string{"192.0.2", "198.51.100", "203.0.113"}
	for _, n := range d.rand.Perm(len(all)) {
		if taken := slices.Contains(values(d.to), all[n]); !taken {
			return all[n]
		}
	}
	return all[0]
}

func values(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func (d *disguise) same(old string, make func() string) string {
	if n, ok := d.to[old]; ok {
		return n
	}
	n := make()
	d.to[old] = n
	return n
}

func (d *disguise) word() string {
	const vowels, consonants = "aeiou", "bdfgklmnprstvz"
	var b strings.Builder
	for range 3 {
		b.WriteByte(consonants[d.rand.IntN(len(consonants))])
		b.WriteByte(vowels[d.rand.IntN(len(vowels))])
	}
	return b.String()
}

// displayNames gives people other names, wherever a row names one.
func (d *disguise) displayNames(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && (k == "userDisplayName" || k == "displayName" && v["userPrincipalName"] != nil) {
				v[k] = d.same("name "+s, func() string {
					return strings.ToUpper(d.word()[:1]) + d.word() + " " + strings.ToUpper(d.word()[:1]) + d.word()
				})
				continue
			}
			v[k] = d.displayNames(x)
		}
	case []any:
		for i, x := range v {
			v[i] = d.displayNames(x)
		}
	}
	return v
}

// disguised is the same case with other names, and on another day.
func disguised(c *caseFile, state map[string]any, seed uint64, keep []string) (*caseFile, map[string]any, error) {
	d := newDisguise(seed, keep)
	b, err := json.Marshal(d.displayNames(state))
	if err != nil {
		return nil, nil, fmt.Errorf("disguise: %w", err)
	}
	var other map[string]any
	if err := json.Unmarshal([]byte(d.text(string(b))), &other); err != nil {
		return nil, nil, fmt.Errorf("disguise: %w", err)
	}
	// The hour stays: when somebody works is a fact about him.
	other["clock"] = fmt.Sprintf("20%02d-%02d-%02dT15:00:00Z,frozen", 24+d.rand.IntN(3), 1+d.rand.IntN(12), 1+d.rand.IntN(28))
	eb, err := json.Marshal(c)
	if err != nil {
		return nil, nil, fmt.Errorf("disguise: %w", err)
	}
	oc := &caseFile{}
	if err := json.Unmarshal([]byte(d.text(string(eb))), oc); err != nil {
		return nil, nil, fmt.Errorf("disguise: %w", err)
	}
	oc.name = c.name + " disguised"
	return oc, other, nil
}
