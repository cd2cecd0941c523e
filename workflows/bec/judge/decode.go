package judge

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// Evidence is decoded defensively: a field may be missing, null, a string instead of a number, an array instead of
// one value. Nothing here fails; what cannot be read is as if it were not there.

// object is a JSON object read once, for look-ups by name.
type object struct {
	keys []string
	vals []gjson.Result
}

// open reads the fields of r; text that holds an object counts as the object.
func (o *object) open(r gjson.Result) {
	o.keys, o.vals = o.keys[:0], o.vals[:0]
	if r.Type == gjson.String && strings.HasPrefix(strings.TrimSpace(r.Str), "{") {
		r = gjson.Parse(r.Str)
	}
	if !r.IsObject() {
		return
	}
	r.ForEach(func(k, v gjson.Result) bool {
		o.keys = append(o.keys, k.Str)
		o.vals = append(o.vals, v)
		return true
	})
}

func parse(raw []byte) object {
	var o object
	o.open(gjson.ParseBytes(raw))
	return o
}

func read(r gjson.Result) object {
	var o object
	o.open(r)
	return o
}

// get is the first of the names that is there and not null; the names' case does not matter.
func (o *object) get(names ...string) gjson.Result {
	for _, n := range names {
		for i, k := range o.keys {
			if len(k) == len(n) && (k == n || strings.EqualFold(k, n)) && o.vals[i].Type != gjson.Null {
				return o.vals[i]
			}
		}
	}
	return gjson.Result{}
}

func (o *object) has(names ...string) bool { return o.get(names...).Exists() }

// str is a field as text, cloned so that it does not keep the whole row alive.
func (o *object) str(names ...string) string { return text(o.get(names...)) }

// view is a field as text that is good as long as the row is.
func (o *object) view(names ...string) string {
	r := o.get(names...)
	if r.Type == gjson.String {
		return r.Str
	}
	return text(r)
}

func (o *object) lowerView(names ...string) string { return strings.ToLower(o.view(names...)) }

func (o *object) lower(names ...string) string { return strings.ToLower(o.str(names...)) }

func (o *object) obj(names ...string) object { return read(o.get(names...)) }

// into opens a field as an object in one that is used again and again: a log has hundreds of thousands of rows.
func (o *object) into(scratch *object, names ...string) *object {
	scratch.open(o.get(names...))
	return scratch
}

func (o *object) flag(names ...string) bool { return truth(o.get(names...)) }

func (o *object) num(names ...string) int {
	r := o.get(names...)
	if r.Type == gjson.String {
		n, _ := strconv.Atoi(strings.TrimSpace(r.Str))
		return n
	}
	if r.Type == gjson.Number && (r.Num > 1<<53 || r.Num < -1<<53) {
		return 0
	}
	return int(r.Int())
}

func (o *object) time(names ...string) (time.Time, string) {
	raw := o.str(names...)
	return instant(raw), raw
}

func (o *object) list(names ...string) []string { return texts(o.get(names...)) }

func text(r gjson.Result) string {
	switch r.Type {
	case gjson.String:
		return strings.Clone(r.Str)
	case gjson.Number, gjson.True, gjson.False:
		return strings.Clone(r.Raw)
	case gjson.JSON:
		if r.IsArray() {
			if a := r.Array(); len(a) > 0 {
				return text(a[0])
			}
			return ""
		}
		o := read(r)
		return o.str("Value", "Address", "PrimarySmtpAddress", "Name", "DateTime", "displayName")
	default:
		return ""
	}
}

func truth(r gjson.Result) bool {
	switch r.Type {
	case gjson.True:
		return true
	case gjson.String:
		s := strings.TrimSpace(r.Str)
		return strings.EqualFold(s, "true") || s == "1" || strings.EqualFold(s, "$true") || strings.EqualFold(s, "yes")
	case gjson.Number:
		return r.Num != 0
	default:
		return false
	}
}

// texts is a list of texts, whatever form it has: an array, one value, values parted by semicolons.
func texts(r gjson.Result) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	switch {
	case r.IsArray():
		r.ForEach(func(_, v gjson.Result) bool {
			if v.IsObject() {
				o := read(v)
				if e := o.get("emailAddress"); e.IsObject() { // Graph's recipients
					in := read(e)
					add(in.str("address", "name"))
					return true
				}
			}
			add(text(v))
			return true
		})
	case r.Type == gjson.String:
		for s := range strings.SplitSeq(r.Str, ";") {
			add(strings.Clone(s))
		}
	case r.Exists() && r.Type != gjson.Null && r.Type != gjson.False:
		add(text(r))
	}
	return out
}

// pairs reads the lists of names and values of audit records, and objects as they are.
func pairs(r gjson.Result) map[string]string {
	out := map[string]string{}
	if r.Type == gjson.String && strings.HasPrefix(strings.TrimSpace(r.Str), "[") {
		r = gjson.Parse(r.Str)
	}
	switch {
	case r.IsArray():
		r.ForEach(func(_, v gjson.Result) bool {
			o := read(v)
			n := o.str("Name", "displayName", "key")
			if n == "" {
				return true
			}
			out[strings.ToLower(n)] = valueText(o.get("Value", "NewValue"))
			return true
		})
	case r.IsObject():
		r.ForEach(func(k, v gjson.Result) bool {
			out[strings.ToLower(strings.Clone(k.Str))] = valueText(v)
			return true
		})
	}
	return out
}

// valueText keeps a list of values as one text, parted by semicolons, and takes off the quotes of values that are
// JSON inside JSON.
func valueText(r gjson.Result) string {
	if r.IsArray() {
		return strings.Join(texts(r), ";")
	}
	if r.IsObject() {
		return strings.Clone(r.Raw)
	}
	s := text(r)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		if in := gjson.Parse(s); in.Type == gjson.String {
			return in.Str
		}
	}
	return s
}

var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z", "2006-01-02 15:04:05", "2006-01-02T15:04Z",
	"1/2/2006 3:04:05 PM", "01/02/2006 15:04:05", "1/2/2006 15:04:05", "2006-01-02"}

// instant reads a time; one without zone is UTC. What is not one is the zero time.
func instant(s string) time.Time {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}
	}
	if ms, ok := strings.CutPrefix(s, "/Date("); ok {
		n, err := strconv.ParseInt(strings.TrimSuffix(ms, ")/"), 10, 64)
		if err != nil {
			return time.Time{}
		}
		return sane(time.UnixMilli(n).UTC())
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return sane(t.UTC())
		}
	}
	return time.Time{}
}

// sane drops times that stand for «never», such as year 1 and year 9999.
func sane(t time.Time) time.Time {
	if t.Year() < 1990 || t.Year() > 2200 {
		return time.Time{}
	}
	return t
}

func itoa(n int) string { return strconv.Itoa(n) }
