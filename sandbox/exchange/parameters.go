package exchange

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// cmdlet is one row of the tables: its name, what it does, the sets of parameters of which one must be
// given ("A B | C"), and every parameter it takes.
type cmdlet struct {
	name  string
	run   func(*call) ([]cloud.Object, error)
	needs string
	takes string

	once   sync.Once
	byName map[string]parameter
}

type parameter struct {
	name, kind string
	values     []string
}

// cmdlets is every cmdlet by its name in lower case.
var cmdlets = map[string]*cmdlet{}

func init() {
	for _, table := range [][]cmdlet{mailboxCmdlets, settingsCmdlets, organizationCmdlets, stateCmdlets} {
		for i := range table {
			cmdlets[strings.ToLower(table[i].name)] = &table[i]
		}
	}
}

func (d *cmdlet) writes() bool {
	verb, _, _ := strings.Cut(d.name, "-")
	return verb != "Get" && verb != "Search"
}

var takesForm = regexp.MustCompile(`(\w+)(?::(\w+)(?:\(([^)]*)\))?)?`)

func (d *cmdlet) parameters() map[string]parameter {
	d.once.Do(func() {
		d.byName = map[string]parameter{}
		for _, m := range takesForm.FindAllStringSubmatch(d.takes, -1) {
			p := parameter{name: m[1], kind: m[2]}
			if m[3] != "" {
				p.values = strings.Split(m[3], "|")
			}
			d.byName[strings.ToLower(p.name)] = p
		}
	})
	return d.byName
}

// Parameters every cmdlet takes.
var common = map[string]parameter{
	"erroraction": {name: "ErrorAction"}, "warningaction": {name: "WarningAction"}, "verbose": {name: "Verbose", kind: "switch"},
	"debug": {name: "Debug", kind: "switch"}, "outvariable": {name: "OutVariable"}, "confirm": {name: "Confirm", kind: "switch"},
}

// parameters is what a cmdlet was given, by canonical name.
type parameters map[string]any

func (d *cmdlet) bind(given map[string]any) (parameters, error) {
	out := parameters{}
	known := d.parameters()
	for name, v := range given {
		p, ok := known[strings.ToLower(name)]
		if !ok {
			p, ok = common[strings.ToLower(name)]
		}
		if !ok {
			return nil, badParameter("A parameter cannot be found that matches parameter name '%s'.", name)
		}
		if _, twice := out[p.name]; twice {
			return nil, badParameter("Cannot bind parameter because parameter '%s' is specified more than once.", p.name)
		}
		if err := p.check(v); err != nil {
			return nil, err
		}
		out[p.name] = v
	}
	return out, d.complete(out)
}

func (d *cmdlet) complete(p parameters) error {
	if d.needs == "" {
		return nil
	}
	var first []string
	for set := range strings.SplitSeq(d.needs, " | ") {
		var missing []string
		for _, n := range strings.Fields(set) {
			if _, ok := p[n]; !ok {
				missing = append(missing, n)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if first == nil {
			first = missing
		}
	}
	return badParameter("Cannot process command because of one or more missing mandatory parameters: %s.", strings.Join(first, " "))
}

var dateForm = regexp.MustCompile(`^\d+[-/]\d+[-/]\d+`)

func (p parameter) check(v any) error {
	wrong := func(due string) error {
		return badParameter("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%v\" to type \"%s\".", p.name, v, due)
	}
	if v == nil {
		return nil
	}
	switch p.kind {
	case "switch", "bool":
		if _, ok := v.(bool); !ok {
			return wrong("System.Boolean")
		}
	case "int":
		if _, err := strconv.ParseInt(scalar(v), 10, 32); err != nil {
			return wrong("System.Int32")
		}
	case "unlimited":
		if s := scalar(v); !strings.EqualFold(s, "unlimited") && (s == "" || s[0] < '0' || s[0] > '9') {
			return wrong("Microsoft.Exchange.Data.Unlimited")
		}
	case "date":
		if s, ok := v.(string); !ok || !dateForm.MatchString(s) {
			return wrong("System.DateTime")
		} else if _, err := parseDate(s); err != nil {
			return wrong("System.DateTime")
		}
	case "guid":
		if s, ok := v.(string); !ok || !cloud.IsGUID(s) {
			return wrong("System.Guid")
		}
	case "list", "enums":
		return p.checkList(v)
	case "enum":
		s, ok := v.(string)
		if !ok || !p.allows(s) {
			return wrong(strings.Join(p.values, ", "))
		}
	default:
		if s := scalar(v); s == "" && v != "" {
			return wrong("System.String")
		}
	}
	return nil
}

func (p parameter) checkList(v any) error {
	var parts []any
	switch v := v.(type) {
	case []any:
		parts = v
	case map[string]any:
		for k, x := range v {
			switch strings.ToLower(k) {
			case "@odata.type":
				if s, _ := x.(string); !strings.HasPrefix(s, "#Exchange.") {
					return badParameter("Cannot convert the hashtable of parameter '%s' to an object of type \"Microsoft.Exchange.Data.MultiValuedProperty\".", p.name)
				}
			case "add", "remove":
				if l, ok := x.([]any); ok {
					parts = append(parts, l...)
				} else if x != nil {
					parts = append(parts, x)
				}
			default:
				return badParameter("The hashtable of parameter '%s' holds the key '%s'; only Add and Remove are allowed.", p.name, k)
			}
		}
		if _, ok := v["@odata.type"]; !ok {
			return badParameter("Cannot convert the hashtable of parameter '%s' to an object of type \"Microsoft.Exchange.Data.MultiValuedProperty\".", p.name)
		}
	default:
		parts = []any{v}
	}
	for _, x := range parts {
		s := scalar(x)
		if _, isBool := x.(bool); isBool || s == "" && x != "" || p.kind == "enums" && !p.allows(s) {
			return badParameter("Cannot process argument transformation on parameter '%s'. Cannot convert value \"%v\".", p.name, x)
		}
	}
	return nil
}

func (p parameter) allows(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		ok := false
		for _, v := range p.values {
			ok = ok || strings.EqualFold(v, strings.TrimSpace(part))
		}
		if !ok {
			return false
		}
	}
	return true
}

// scalar is the text of a string or a number, "" of anything else.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	}
	return ""
}

func (p parameters) has(name string) bool { _, ok := p[name]; return ok }

func (p parameters) text(name string) string { return scalar(p[name]) }

func (p parameters) flag(name string) bool { b, _ := p[name].(bool); return b }

// texts is a list parameter's values; a single string may hold several, separated by commas.
func (p parameters) texts(name string) []string {
	switch v := p[name].(type) {
	case []any:
		out := make([]string, 0, len(v))
		for _, x := range v {
			out = append(out, scalar(x))
		}
		return out
	case nil, map[string]any:
		return nil
	default:
		var out []string
		for s := range strings.SplitSeq(scalar(v), ",") {
			out = append(out, strings.TrimSpace(s))
		}
		return out
	}
}

func (p parameters) number(name string, otherwise int) int {
	n, err := strconv.Atoi(p.text(name))
	if err != nil {
		return otherwise
	}
	return n
}

func (p parameters) date(name string) (time.Time, bool) {
	t, err := parseDate(p.text(name))
	return t, err == nil
}

func parseDate(s string) (time.Time, error) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02", "01/02/2006 15:04:05", "1/2/2006 3:04:05 PM", "01/02/2006", "1/2/2006"} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no date", s)
}

// change applies a multi-valued parameter to a list: a hash table adds and removes, a list replaces, null
// empties. resolve turns what was given into what is stored.
func (p parameters) change(name string, list []any, resolve func(string) (string, error)) ([]any, error) {
	h, ok := p[name].(map[string]any)
	if !ok {
		list = nil
		for _, s := range p.texts(name) {
			r, err := resolve(s)
			if err != nil {
				return nil, err
			}
			list = append(list, r)
		}
		return orEmptyList(list), nil
	}
	for k, v := range h {
		op := strings.ToLower(k)
		if op != "add" && op != "remove" {
			continue
		}
		for _, s := range (parameters{"x": v}).texts("x") {
			r, err := resolve(s)
			if err != nil {
				return nil, err
			}
			list = without(list, r)
			if op == "add" {
				list = append(list, r)
			}
		}
	}
	return orEmptyList(list), nil
}

func orEmptyList(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

func without(list []any, s string) []any {
	out := []any{}
	for _, x := range list {
		if !strings.EqualFold(scalar(x), s) {
			out = append(out, x)
		}
	}
	return out
}
