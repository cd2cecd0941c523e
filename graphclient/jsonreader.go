package graphclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// jsonReader reads JSON from a byte slice in one pass, for the lists that are long enough for it to
// matter: users, registration details, sign-ins, audit records and message traces. Everything else goes through encoding/json, and so does any value
// here that is out of the ordinary (escapes, odd times). Member names are matched exactly.
type jsonReader struct {
	b    []byte
	i    int
	seen map[string]string // values that many rows share are kept once
}

var errBadJSON = errors.New("the JSON is malformed or cut short")

func newJSONReader(b []byte) *jsonReader { return &jsonReader{b: b, seen: map[string]string{}} }

// peek skips white space and shows the next byte, 0 at the end.
func (r *jsonReader) peek() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\n', '\r', '\t':
			r.i++
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) expect(c byte) error {
	if r.peek() != c {
		return errBadJSON
	}
	r.i++
	return nil
}

// null consumes a null and reports whether there was one.
func (r *jsonReader) null() bool {
	if r.peek() == 'n' && len(r.b)-r.i >= 4 && string(r.b[r.i:r.i+4]) == "null" {
		r.i += 4
		return true
	}
	return false
}

// object calls member for each name; member must consume the value. null is an object without members.
func (r *jsonReader) object(member func(name []byte) error) error {
	return r.list('{', '}', func() error {
		quoted, plain, err := r.quoted()
		if err != nil {
			return err
		}
		name := quoted[1 : len(quoted)-1]
		if !plain {
			var s string
			if err := json.Unmarshal(quoted, &s); err != nil {
				return err
			}
			name = []byte(s)
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// array calls element for each value, which element must consume.
func (r *jsonReader) array(element func() error) error { return r.list('[', ']', element) }

func (r *jsonReader) list(open, end byte, item func() error) error {
	if r.null() {
		return nil
	}
	if err := r.expect(open); err != nil {
		return err
	}
	if r.peek() == end {
		r.i++
		return nil
	}
	for {
		if open == '{' && r.peek() != '"' {
			return errBadJSON
		}
		if err := item(); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.i++
		case end:
			r.i++
			return nil
		default:
			return errBadJSON
		}
	}
}

// quoted consumes a string and gives it with its quotes; plain says that it holds no escapes and is UTF-8.
func (r *jsonReader) quoted() (raw []byte, plain bool, err error) {
	if r.peek() != '"' {
		return nil, false, errBadJSON
	}
	start, ascii, escaped := r.i, true, false
	for i := r.i + 1; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			r.i = i + 1
			raw = r.b[start:r.i]
			return raw, !escaped && (ascii || utf8.Valid(raw)), nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false, errBadJSON
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false, errBadJSON
}

// str reads a string; null leaves v as it is.
func (r *jsonReader) str(v *string) error { return r.text(v, false) }

// shared reads a string that many rows have in common.
func (r *jsonReader) shared(v *string) error { return r.text(v, true) }

func (r *jsonReader) text(v *string, share bool) error {
	if r.null() {
		return nil
	}
	raw, plain, err := r.quoted()
	if err != nil {
		return err
	}
	if !plain {
		return json.Unmarshal(raw, v)
	}
	raw = raw[1 : len(raw)-1]
	if !share {
		*v = string(raw)
		return nil
	}
	known, ok := r.seen[string(raw)]
	if !ok {
		known = string(raw)
		r.seen[known] = known
	}
	*v = known
	return nil
}

// strs reads an array of strings. As with encoding/json an empty array is not nil.
func (r *jsonReader) strs(v *[]string, share bool) error {
	if r.null() {
		*v = nil
		return nil
	}
	out := []string{}
	err := r.array(func() error {
		var s string
		if err := r.text(&s, share); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	*v = out
	return err
}

// boolean reads true or false; null leaves v as it is.
func (r *jsonReader) boolean(v *bool) error {
	if r.null() {
		return nil
	}
	switch rest := r.b[r.i:]; {
	case len(rest) >= 4 && string(rest[:4]) == "true":
		r.i, *v = r.i+4, true
	case len(rest) >= 5 && string(rest[:5]) == "false":
		r.i, *v = r.i+5, false
	default:
		return errBadJSON
	}
	return nil
}

var yesValue, noValue = true, false

// optional reads a boolean that may be absent. The pointers are shared: nobody writes through them.
func (r *jsonReader) optional(v **bool) error {
	if r.null() {
		*v = nil
		return nil
	}
	var b bool
	if err := r.boolean(&b); err != nil {
		return err
	}
	*v = &noValue
	if b {
		*v = &yesValue
	}
	return nil
}

// moment reads a date and time that may be absent.
func (r *jsonReader) moment(v **time.Time) error {
	if r.null() {
		*v = nil
		return nil
	}
	raw, _, err := r.quoted()
	if err != nil {
		return err
	}
	t := new(time.Time)
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	*v = t
	return nil
}

// other leaves a value to encoding/json.
func (r *jsonReader) other(v any) error {
	raw, err := r.skip()
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// skip consumes any value and gives it as it is written. It follows strings and brackets only.
func (r *jsonReader) skip() ([]byte, error) {
	c := r.peek()
	start, depth := r.i, 0
	if c == 0 || c == '}' || c == ']' || c == ',' || c == ':' {
		return nil, errBadJSON
	}
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case '"':
			if _, _, err := r.quoted(); err != nil {
				return nil, err
			}
		case '{', '[':
			depth++
			r.i++
		case '}', ']':
			if depth == 0 {
				return r.b[start:r.i], nil
			}
			depth--
			r.i++
		case ',':
			if depth == 0 {
				return r.b[start:r.i], nil
			}
			r.i++
		default:
			r.i++
			continue
		}
		if depth == 0 && r.i > start && (c == '{' || c == '[' || c == '"') {
			return r.b[start:r.i], nil
		}
	}
	if depth != 0 || c == '{' || c == '[' || c == '"' {
		return nil, errBadJSON
	}
	return r.b[start:r.i], nil
}

// end reports an error if anything but white space is left.
func (r *jsonReader) end() error {
	if r.peek() != 0 || r.i < len(r.b) {
		return errBadJSON
	}
	return nil
}

// plainText reads a string; whatever else stands there leaves v as it is, as does an empty one.
func (r *jsonReader) plainText(v *string, share bool) error {
	if r.peek() != '"' {
		_, err := r.skip()
		return err
	}
	var s string
	if err := r.text(&s, share); err != nil || s == "" {
		return err
	}
	*v = s
	return nil
}

// count reads a number that may come as text; what is none leaves v as it is.
func (r *jsonReader) count(v *int) error {
	raw, err := r.skip()
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.Trim(string(raw), "\" \r\n\t")); err == nil {
		*v = n
	}
	return nil
}

// escape is what follows a backslash, where it stands for one ASCII character, and how long it is; 0 for what does not.
func escape(b []byte) (c byte, long int) {
	switch b[0] {
	case '"', '\\', '/':
		return b[0], 1
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'u': // Microsoft writes <, >, & and ' so
		if len(b) < 5 || b[1] != '0' || b[2] != '0' || b[3] < '0' || b[3] > '7' {
			return 0, 0
		}
		low := b[4] | 0x20
		switch {
		case b[4] >= '0' && b[4] <= '9':
			c = b[4] - '0'
		case low >= 'a' && low <= 'f':
			c = low - 'a' + 10
		default:
			return 0, 0
		}
		return c | (b[3]-'0')<<4, 5
	}
	return 0, 0
}

// quotedJSON reads a string that holds JSON and gives the JSON. What is none is kept as the string it came as,
// so that it is not lost.
func (r *jsonReader) quotedJSON(v *json.RawMessage) error {
	if r.peek() != '"' {
		raw, err := r.skip()
		*v = append(json.RawMessage(nil), raw...)
		return err
	}
	raw, plain, err := r.quoted()
	if err != nil {
		return err
	}
	text := raw[1 : len(raw)-1]
	out, ok := make(json.RawMessage, 0, len(text)), true
	for rest := text; ok && !plain; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			out = append(out, rest...)
			break
		}
		c, long := escape(rest[i+1:])
		if ok = long > 0; ok { // rarer escapes are for the library
			out = append(append(out, rest[:i]...), c)
			rest = rest[i+1+long:]
		}
	}
	switch {
	case plain:
		out = append(out, text...)
	case !ok || !utf8.Valid(out):
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		out = json.RawMessage(s)
	}
	if !gjson.ValidBytes(out) {
		out = append(json.RawMessage(nil), raw...)
	}
	*v = out
	return nil
}
