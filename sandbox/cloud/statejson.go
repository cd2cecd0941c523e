package cloud

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
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
		gjson.Parse(string(v)).ForEach(func(name, x gjson.Result) bool {
			if x.Type == gjson.String {
				tell(name.String(), x.String())
			}
			return true
		})
	}
}

// readState reads a whole state file in one pass, with audit records kept as they are written unless times in them
// have yet to be worked out. What is no JSON object is left to encoding/json, whose words for the mistake are better.
func readState(state string) (Object, bool) {
	if !utf8.ValidString(state) || !gjson.Valid(state) {
		return nil, false
	}
	o, ok := stateValue("", gjson.Parse(state)).(map[string]any)
	return o, ok
}

func stateValue(name string, v gjson.Result) any {
	switch {
	case v.IsObject():
		if name == "AuditData" && !strings.Contains(v.Raw, `"$now`) {
			return RawJSON(v.Raw)
		}
		o := Object{}
		v.ForEach(func(k, x gjson.Result) bool {
			o[k.String()] = stateValue(k.String(), x)
			return true
		})
		return o
	case v.IsArray():
		l := []any{}
		v.ForEach(func(_, x gjson.Result) bool {
			l = append(l, stateValue("", x))
			return true
		})
		return l
	default:
		return v.Value()
	}
}
