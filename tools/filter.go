package tools

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// condition is one part of a filter: a field, how it is compared, and with what. Parts are joined by and; there is
// nothing else, so that a filter can neither hide a second meaning nor cost Microsoft more than it says.
type condition struct {
	field, op string
	values    []filterValue
}

// filterValue is a value as it was written: quoted text, or a bare word (a boolean, a number, null, a time).
type filterValue struct {
	text   string
	quoted bool
}

// filterOps are the comparisons, by the kind of a field.
var filterOps = map[string][]string{
	"text": {"eq", "ne", "in", "startsWith", "endsWith", "contains"},
	"word": {"eq", "ne", "in"},
	"bool": {"eq"},
	"time": {"lt", "le", "gt", "ge", "eq"},
	"list": {"has", "hasNot"},
}

// mostConditions bounds a filter.
const mostConditions = 10

// parseFilter reads field op value, joined by and.
func parseFilter(s string) ([]condition, error) {
	tokens, err := filterTokens(s)
	if err != nil {
		return nil, err
	}
	p := &filterReader{tokens: tokens}
	var out []condition
	for {
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		switch t, ok := p.next(); {
		case !ok && len(out) > mostConditions:
			return nil, invalid("filter: %d conditions are too many; %d are the most.", len(out), mostConditions)
		case !ok:
			return out, nil
		case t.quoted || !strings.EqualFold(t.text, "and"):
			if strings.HasPrefix(strings.TrimSpace(t.text), "(") || t.text == "," || t.text == "(" {
				return nil, invalid("filter: there are no functions; write displayName startsWith 'Dana', field first.")
			}
			return nil, invalid("filter: conditions are joined by and alone (got %q); there is no or, not or bracket.", Clean(t.text, 40))
		}
	}
}

type filterReader struct {
	tokens []filterValue
	at     int
}

func (p *filterReader) next() (filterValue, bool) {
	if p.at >= len(p.tokens) {
		return filterValue{}, false
	}
	p.at++
	return p.tokens[p.at-1], true
}

const filterShape = "write it as field op value, such as department eq 'Sales' and accountEnabled eq true"

func (p *filterReader) condition() (condition, error) {
	var c condition
	field, ok := p.next()
	op, ok2 := p.next()
	if !ok || !ok2 || field.quoted || op.quoted {
		return c, invalid("filter: %s.", filterShape)
	}
	c.field, c.op = field.text, op.text
	v, ok := p.next()
	switch {
	case !ok:
		return c, invalid("filter: %s %s has no value; %s.", Clean(c.field, 40), Clean(c.op, 20), filterShape)
	case !strings.EqualFold(c.op, "in"):
		c.values = []filterValue{v}
		return c, nil
	case v.quoted || v.text != "(":
		return c, invalid("filter: after in come values in brackets, such as department in ('Sales', 'Claims').")
	}
	for {
		v, ok := p.next()
		if !ok || !v.quoted && (v.text == ")" || v.text == ",") {
			return c, invalid("filter: after in come values in brackets, such as department in ('Sales', 'Claims').")
		}
		c.values = append(c.values, v)
		switch sep, ok := p.next(); {
		case ok && !sep.quoted && sep.text == ")":
			return c, nil
		case !ok || sep.quoted || sep.text != ",":
			return c, invalid("filter: the values after in are parted by commas and end with a bracket.")
		}
	}
}

// filterTokens parts a filter into words and quoted text, in which a quote is doubled.
func filterTokens(s string) ([]filterValue, error) {
	var out []filterValue
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		switch {
		case s[0] == '\'':
			text, rest, ok := quotedText(s[1:])
			if !ok {
				return nil, invalid("filter: a text begins with ' and does not end; a quote inside it is doubled.")
			}
			out, s = append(out, filterValue{text, true}), rest
		case strings.ContainsRune("(),", rune(s[0])):
			out, s = append(out, filterValue{s[:1], false}), s[1:]
		default:
			end := strings.IndexAny(s, " \t\r\n'(),")
			if end < 0 {
				end = len(s)
			}
			out, s = append(out, filterValue{s[:end], false}), s[end:]
		}
	}
	return out, nil
}

func quotedText(s string) (text, rest string, ok bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "'")
		if !found {
			return "", "", false
		}
		b.WriteString(before)
		if !strings.HasPrefix(after, "'") {
			return b.String(), after, true
		}
		b.WriteByte('\'')
		s = after[1:]
	}
}

// textTest compares text without regard to case.
func (c condition) textTest() (func(string) bool, error) {
	var want []string
	for _, v := range c.values {
		if !v.quoted && !strings.EqualFold(v.text, "null") {
			return nil, invalid("filter: %s is text, so its value stands in single quotes: %s %s '%s'.", c.field, c.field, c.op, Clean(v.text, 60))
		}
		w := strings.ToLower(v.text)
		if !v.quoted {
			w = ""
		}
		want = append(want, w)
	}
	switch c.op {
	case "ne":
		return func(s string) bool { return !strings.EqualFold(s, want[0]) }, nil
	case "startsWith":
		return func(s string) bool { return strings.HasPrefix(strings.ToLower(s), want[0]) }, nil
	case "endsWith":
		return func(s string) bool { return strings.HasSuffix(strings.ToLower(s), want[0]) }, nil
	case "contains":
		return func(s string) bool { return strings.Contains(strings.ToLower(s), want[0]) }, nil
	default: // eq, in
		return func(s string) bool { return slices.Contains(want, strings.ToLower(s)) }, nil
	}
}

// boolTest compares with true, false, or null for what is not known; false never stands for unknown.
func (c condition) boolTest() (func(*bool) bool, error) {
	switch v := strings.ToLower(c.values[0].text); {
	case c.values[0].quoted || v != "true" && v != "false" && v != "null":
		return nil, invalid("filter: %s is true, false or null (got %s).", c.field, Clean(c.values[0].text, 40))
	case v == "null":
		return func(b *bool) bool { return b == nil }, nil
	default:
		return func(b *bool) bool { return b != nil && *b == (v == "true") }, nil
	}
}

// timeTest compares with an RFC 3339 time, or one so many days before now (-90d); eq null finds what has none.
func (c condition) timeTest(now time.Time) (func(*time.Time) bool, error) {
	v := c.values[0]
	if strings.EqualFold(v.text, "null") && !v.quoted {
		if c.op != "eq" {
			return nil, invalid("filter: %s can only be compared with null by eq.", c.field)
		}
		return none, nil
	}
	if c.op == "eq" {
		return nil, invalid("filter: %s is compared by lt, le, gt or ge, or with eq null.", c.field)
	}
	at, err := filterTime(v.text, now)
	if err != nil {
		return nil, invalid("filter: %s needs a time such as 2026-01-31T00:00:00Z or -90d (got %s).", c.field, Clean(v.text, 40))
	}
	return func(t *time.Time) bool {
		if none(t) {
			return false
		}
		switch d := t.Compare(at); c.op {
		case "lt":
			return d < 0
		case "le":
			return d <= 0
		case "gt":
			return d > 0
		default:
			return d >= 0
		}
	}, nil
}

// none says that Microsoft keeps no time: it leaves it out, or gives the year 1.
func none(t *time.Time) bool { return t == nil || t.Year() <= 1 }

func filterTime(s string, now time.Time) (time.Time, error) {
	var days int
	if n, err := fmt.Sscanf(s, "-%dd", &days); err == nil && n == 1 && s == fmt.Sprintf("-%dd", days) && days >= 0 && days <= 36500 {
		return now.AddDate(0, 0, -days), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, s)
}
