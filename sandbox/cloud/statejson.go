package cloud

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// RawJSON is a JSON object of the state that is kept as it was written: what an audit record holds, of which a
// busy mailbox has hundreds of thousands and nobody looks into more than a few.
type RawJSON string

// MarshalJSON writes it as it is.
func (r RawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// AuditData is the record that a row of the unified audit log holds.
func AuditData(row Object) Object {
	switch v := row["AuditData"].(type) {
	case map[string]any:
		return v
	case RawJSON:
		var o Object
		if json.Unmarshal([]byte(v), &o) == nil {
			return o
		}
	}
	return nil
}

// AuditJSON is the record that a row of the unified audit log holds, as JSON.
func AuditJSON(row Object) string {
	if v, ok := row["AuditData"].(RawJSON); ok {
		return string(v)
	}
	b, err := json.Marshal(row["AuditData"])
	if err != nil {
		return "null"
	}
	return string(b)
}

// auditTexts tells the strings that stand at the top of a row's record.
func auditTexts(row Object, tell func(name, value string)) {
	switch v := row["AuditData"].(type) {
	case map[string]any:
		for name, x := range v {
			if s, ok := x.(string); ok {
				tell(name, s)
			}
		}
	case RawJSON:
		r := stateReader{s: string(v)}
		_ = r.members(func(name string) error {
			if r.peek() != '"' {
				_, err := r.skip()
				return err
			}
			s, err := r.text()
			if err == nil {
				tell(name, s)
			}
			return err
		})
	}
}

// stateReader reads a state file much as encoding/json would, in one pass and with the strings left where they
// are. What it cannot read is left to encoding/json, whose words for the mistake are better.
type stateReader struct {
	s string
	i int
}

var errState = errors.New("this is no JSON")

func (r *stateReader) peek() byte {
	for r.i < len(r.s) {
		switch c := r.s[r.i]; c {
		case ' ', '\n', '\r', '\t':
			r.i++
		default:
			return c
		}
	}
	return 0
}

func (r *stateReader) expect(c byte) error {
	if r.peek() != c {
		return errState
	}
	r.i++
	return nil
}

// members reads an object; member must consume the value that belongs to the name.
func (r *stateReader) members(member func(name string) error) error {
	return r.list('{', '}', func() error {
		name, err := r.text()
		if err != nil {
			return err
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

func (r *stateReader) list(open, end byte, item func() error) error {
	if err := r.expect(open); err != nil {
		return err
	}
	if r.peek() == end {
		r.i++
		return nil
	}
	for {
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
			return errState
		}
	}
}

// text reads a string.
func (r *stateReader) text() (string, error) {
	if r.peek() != '"' {
		return "", errState
	}
	start, plain := r.i, true
	for i := r.i + 1; i < len(r.s); i++ {
		switch c := r.s[i]; {
		case c == '"':
			r.i = i + 1
			if plain {
				return r.s[start+1 : i], nil
			}
			raw := r.s[start:r.i]
			var s string
			if !utf8.ValidString(raw) || json.Unmarshal([]byte(raw), &s) != nil {
				return "", errState
			}
			return s, nil
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return "", errState
		case c >= utf8.RuneSelf:
			plain = false // is it UTF-8 at all?
		}
	}
	return "", errState
}

// value reads any value. What stands under AuditData is kept as it is unless times in it have yet to be worked out.
func (r *stateReader) value(name string) (any, error) {
	switch c := r.peek(); c {
	case '{':
		if name == "AuditData" {
			at := r.i
			raw, err := r.skip()
			if err == nil && !strings.Contains(raw, `"$now`) && json.Valid([]byte(raw)) {
				return RawJSON(raw), nil
			}
			r.i = at
		}
		o := Object{}
		err := r.members(func(name string) error {
			v, err := r.value(name)
			o[name] = v
			return err
		})
		return o, err
	case '[':
		l := []any{}
		err := r.list('[', ']', func() error {
			v, err := r.value("")
			l = append(l, v)
			return err
		})
		return l, err
	case '"':
		return r.text()
	default:
		return r.word()
	}
}

// word reads a number, true, false or null.
func (r *stateReader) word() (any, error) {
	start := r.i
	for r.i < len(r.s) && strings.IndexByte(" \n\r\t,]}:", r.s[r.i]) < 0 {
		r.i++
	}
	switch w := r.s[start:r.i]; w {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	default:
		n, err := strconv.ParseFloat(w, 64)
		if err != nil || strings.Trim(w, "+-0123456789.eE") != "" || !json.Valid([]byte(w)) {
			return nil, errState
		}
		return n, nil
	}
}

// skip consumes any value and gives it as it is written. It follows strings and brackets only.
func (r *stateReader) skip() (string, error) {
	c := r.peek()
	start, depth := r.i, 0
	if c != '{' && c != '[' {
		_, err := r.value("")
		return r.s[start:r.i], err
	}
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case '"':
			for r.i++; r.i < len(r.s) && r.s[r.i] != '"'; r.i++ {
				if r.s[r.i] == '\\' {
					r.i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				r.i++
				return r.s[start:r.i], nil
			}
		}
		r.i++
	}
	return "", errState
}

// readState reads a whole state file.
func readState(state string) (Object, bool) {
	r := stateReader{s: state}
	if r.peek() != '{' {
		return nil, false
	}
	v, err := r.value("")
	if err != nil || r.peek() != 0 || r.i < len(r.s) {
		return nil, false
	}
	o, ok := v.(map[string]any)
	return o, ok
}
