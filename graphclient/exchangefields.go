package graphclient

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// fromExchange reads a row into the struct v points to: each field by the name its json tag gives, in any of the
// spellings Exchange has for a value of its type. null leaves a field as it is. A field Raw gets a copy of the
// whole row.
func fromExchange(row []byte, v any) error {
	var every map[string]json.RawMessage
	if err := json.Unmarshal(row, &every); err != nil {
		return err
	}
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		f := s.Type().Field(i)
		if f.Name == "Raw" {
			s.Field(i).SetBytes(append([]byte(nil), row...))
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if raw, ok := every[name]; ok && string(raw) != "null" {
			setFromExchange(s.Field(i).Addr().Interface(), raw)
		}
	}
	return nil
}

// setFromExchange reads one value. Exchange's readers take every shape, so nothing can fail here: what they
// make no sense of leaves the field empty, and the row's Raw still has it.
func setFromExchange(field any, raw json.RawMessage) {
	switch f := field.(type) {
	case *string:
		if *f = textOf(raw); *f == "" { // a list, perhaps
			*f = strings.Join(flagsOf(raw), ", ")
		}
	case *[]string:
		var t texts
		_ = t.UnmarshalJSON(raw)
		*f = t
	case *bool:
		*f = yesOf(raw)
	case **bool:
		b := yesOf(raw)
		*f = &b
	case *int:
		var n count
		_ = n.UnmarshalJSON(raw)
		*f = int(n)
	case **int:
		n := count(-1 << 30)
		if _ = n.UnmarshalJSON(raw); n > -1<<30 {
			i := int(n)
			*f = &i
		}
	case **int64:
		n := size(-1 << 62)
		if _ = n.UnmarshalJSON(raw); n > -1<<62 {
			i := int64(n)
			*f = &i
		}
	case **time.Time:
		var m moment
		_ = m.UnmarshalJSON(raw)
		*f = m.t
	}
}

func yesOf(raw json.RawMessage) bool {
	var y yes
	_ = y.UnmarshalJSON(raw)
	return bool(y)
}

func flagsOf(raw json.RawMessage) []string {
	var f flags
	_ = f.UnmarshalJSON(raw)
	return f
}
