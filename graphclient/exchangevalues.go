package graphclient

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Exchange writes its values for people to read. These types take what it writes, whatever its shape.

// size is a ByteQuantifiedSize: "49.5 GB (53,150,220,288 bytes)", "Unlimited", a number, or an object that holds one.
type size int64

func (s *size) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		n, ok := parseSize(text)
		if ok {
			*s = size(n)
		}
		return nil
	}
	var number float64
	if json.Unmarshal(b, &number) == nil && number >= float64(Unlimited) && number < math.MaxInt64 {
		*s = size(number)
		return nil
	}
	var object struct{ Value *size }
	if json.Unmarshal(b, &object) == nil && object.Value != nil {
		*s = *object.Value
	}
	return nil
}

// parseSize reads the exact number in parentheses; the rounded one before it is only for the eye.
func parseSize(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "Unlimited") {
		return Unlimited, true
	}
	if _, inside, ok := strings.Cut(text, "("); ok {
		text, _, _ = strings.Cut(inside, "bytes")
	}
	var digits strings.Builder
	for _, r := range strings.TrimSpace(text) {
		switch {
		case '0' <= r && r <= '9':
			digits.WriteRune(r)
		case r == ',', r == '.', r == ' ', r == '\u00a0', r == '\u202f', r == '\'':
			// separators of thousands, which follow the server's language
		default:
			return 0, false
		}
	}
	n, err := strconv.ParseInt(digits.String(), 10, 64)
	return n, err == nil
}

// moment is a date in any of the shapes Exchange writes; what cannot be read is no date.
type moment struct{ t *time.Time }

const plainLayout = "2006-01-02T15:04:05"

var momentLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.9999999", plainLayout, "2006-01-02 15:04:05Z",
	"2006-01-02 15:04:05", "1/2/2006 3:04:05 PM", "1/2/2006 15:04:05", "01/02/2006 15:04:05", "2006-01-02"}

func (m *moment) UnmarshalJSON(b []byte) error {
	m.t = nil
	var text string
	if json.Unmarshal(b, &text) == nil {
		m.t = parseMoment(text)
	}
	return nil
}

func parseMoment(text string) *time.Time {
	text = strings.TrimSpace(text)
	layouts := momentLayouts
	if len(text) == len(plainLayout) && text[10] == 'T' { // how audit records have it, of which there are many
		layouts = []string{plainLayout}
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			t = t.UTC()
			if t.Year() <= 1601 { // how "never" is written
				return nil
			}
			return &t
		}
	}
	return nil
}

// texts is a multi-valued property: an array, one value alone, several joined by commas in an enumeration, or null.
// Members may be strings or objects that carry a name.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	*t = nil
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil {
		list = []json.RawMessage{b}
	}
	for _, raw := range list {
		if s := textOf(raw); s != "" {
			*t = append(*t, s)
		}
	}
	return nil
}

// flags is texts whose single value may join several by commas.
type flags []string

func (f *flags) UnmarshalJSON(b []byte) error {
	var t texts
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	*f = nil
	for _, s := range t {
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*f = append(*f, part)
			}
		}
	}
	return nil
}

// text is a property shown as text though it may come as number, boolean or object.
type text string

func (t *text) UnmarshalJSON(b []byte) error { *t = text(textOf(b)); return nil }

func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	var named struct{ DisplayName, Name, PrimarySmtpAddress, Identity, Value string }
	if json.Unmarshal(raw, &named) == nil {
		return firstOf(named.DisplayName, named.Name, named.PrimarySmtpAddress, named.Identity, named.Value)
	}
	return ""
}

// yes is a boolean, the word for one, or a switch parameter's {"IsPresent": …}.
type yes bool

func (y *yes) UnmarshalJSON(b []byte) error {
	var v bool
	if json.Unmarshal(b, &v) == nil {
		*y = yes(v)
		return nil
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		*y = yes(strings.EqualFold(s, "true"))
		return nil
	}
	var present struct{ IsPresent bool }
	*y = yes(json.Unmarshal(b, &present) == nil && present.IsPresent)
	return nil
}

// count is a number that may come as text.
type count int

func (c *count) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseFloat(strings.Trim(string(b), `" `), 64)
	if err == nil && math.Abs(n) < math.MaxInt32 {
		*c = count(n)
	}
	return nil
}
