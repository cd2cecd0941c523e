package cloud

import "strings"

// Object is one resource with Microsoft's property names, as it stands in the state file. Numbers are
// float64, lists []any, complex values map[string]any.
type Object = map[string]any

// Str is the string under key, or "" where there is none.
func Str(o Object, key string) string { s, _ := o[key].(string); return s }

// Bool is the boolean under key; absent and null count as false.
func Bool(o Object, key string) bool { b, _ := o[key].(bool); return b }

// Num is the number under key, or 0.
func Num(o Object, key string) float64 { n, _ := o[key].(float64); return n }

// List is the list under key, or nil.
func List(o Object, key string) []any { l, _ := o[key].([]any); return l }

// Child is the complex value under key, or nil.
func Child(o Object, key string) Object { m, _ := o[key].(map[string]any); return m }

// Strings is the list of strings under key; other members are left out.
func Strings(o Object, key string) []string {
	var out []string
	for _, v := range List(o, key) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Objects is the list of objects under key; other members are left out.
func Objects(o Object, key string) []Object {
	var out []Object
	for _, v := range List(o, key) {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Rows turns objects into the list form in which they are stored under a key.
func Rows(objects []Object) []any {
	out := make([]any, len(objects))
	for i, o := range objects {
		out[i] = o
	}
	return out
}

// Copy is a deep copy of v.
func Copy[T any](v T) T { return deep(v).(T) }

func deep(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = deep(x)
		}
		return m
	case []any:
		if v == nil {
			return v
		}
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = deep(x)
		}
		return l
	}
	return v
}

func has(list []any, id string) bool {
	for _, v := range list {
		if s, ok := v.(string); ok && strings.EqualFold(s, id) {
			return true
		}
	}
	return false
}

func without(list []any, id string) []any {
	out := make([]any, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); !ok || !strings.EqualFold(s, id) {
			out = append(out, v)
		}
	}
	return out
}
