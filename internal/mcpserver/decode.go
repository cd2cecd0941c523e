package mcpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"

	"cipp-mcp/internal/config"
	"cipp-mcp/tools"
)

// decode turns a call's arguments into the tool's input struct. A wrong argument is answered with one
// sentence that names the right one; harmless slips (a number or a boolean as a string, one value
// where a list is due, another letter case of an enumerated value) are put right silently.
func decode(t tools.Tool, schema *jsonschema.Schema, raw json.RawMessage) (in any, args map[string]any, err error) {
	args = map[string]any{}
	if len(bytes.TrimSpace(raw)) > 0 && string(bytes.TrimSpace(raw)) != "null" {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&args); err != nil {
			return nil, nil, badArgument("The arguments are not a JSON object.")
		}
	}
	if err := rename(t, schema, args); err != nil {
		return nil, nil, err
	}
	known := make(map[string]any, len(args))
	for name, v := range args {
		p, ok := schema.Properties.Get(name)
		if !ok {
			continue // a silent argument
		}
		if v == nil {
			continue // null means not given
		}
		fixed, err := fit(name, p, v)
		if err != nil && name == "password" {
			return nil, nil, badArgument("password must be text of at most %d characters.", *p.MaxLength) // never shown, not even a wrong one
		}
		if err != nil {
			return nil, nil, err
		}
		known[name], args[name] = fixed, fixed
	}
	for _, name := range schema.Required {
		v, ok := known[name]
		if !ok {
			return nil, nil, badArgument("%s needs the argument %s%s", t.Name, name, saying(property(schema, name)))
		}
		if s, isText := v.(string); isText && strings.TrimSpace(s) == "" {
			return nil, nil, badArgument("%s must not be empty%s", name, saying(property(schema, name)))
		}
	}
	b, err := json.Marshal(known)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the arguments: %w", err)
	}
	p := reflect.New(t.Input)
	if err := json.Unmarshal(b, p.Interface()); err != nil {
		return nil, nil, badArgument("The arguments do not fit %s: %v", t.Name, err)
	}
	return p.Interface(), args, nil
}

func badArgument(format string, a ...any) error {
	return &tools.Problem{Code: "invalid_argument", Message: fmt.Sprintf(format, a...), Next: "Correct the argument and call again."}
}

func property(s *jsonschema.Schema, name string) *jsonschema.Schema {
	p, ok := s.Properties.Get(name)
	if !ok {
		return &jsonschema.Schema{}
	}
	return p
}

// names lists a schema's arguments in their order.
func names(s *jsonschema.Schema) []string {
	var out []string
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		out = append(out, p.Key)
	}
	return out
}

// rename puts aliases and other spellings under their canonical names and refuses what is unknown.
func rename(t tools.Tool, schema *jsonschema.Schema, args map[string]any) error {
	canonical := names(schema)
	given := make([]string, 0, len(args))
	for name := range args {
		given = append(given, name)
	}
	sort.Strings(given)
	for _, name := range given {
		if slices.Contains(canonical, name) || t.Writes() && slices.Contains(tools.SilentArguments, name) {
			continue
		}
		if slices.Contains(t.Always, name) {
			if on, err := fit(name, &jsonschema.Schema{Type: "boolean"}, args[name]); err != nil || on != true {
				return badArgument("%s always does what %s stands for, so it cannot be false; leave it out.", t.Name, name)
			}
			delete(args, name)
			continue
		}
		to, ok := alias(t, canonical, name)
		if !ok {
			if near := config.Near(name, canonical); near != "" {
				return badArgument("%s has no argument %s; the nearest is %s.", t.Name, tools.Clean(name, 60), near)
			}
			return badArgument("%s has no argument %s. It takes: %s.", t.Name, tools.Clean(name, 60), strings.Join(canonical, ", "))
		}
		if second, is := t.Second[name]; is && slices.Contains(given, to) && slices.Contains(canonical, second) {
			to = second
		}
		if _, twice := args[to]; twice {
			return badArgument("%s and %s are the same argument; give one of them.", name, to)
		}
		args[to] = args[name]
		delete(args, name)
	}
	return nil
}

func alias(t tools.Tool, canonical []string, name string) (string, bool) {
	if to, ok := t.Aliases[name]; ok && slices.Contains(canonical, to) {
		return to, true
	}
	for _, c := range canonical {
		if plain(c) == plain(name) {
			return c, true
		}
	}
	for a, to := range t.Aliases {
		if plain(a) == plain(name) && slices.Contains(canonical, to) {
			return to, true
		}
	}
	return "", false
}

// plain is a name or value without what people write differently: case, what parts its words, British spelling, and
// one or several.
func plain(s string) string {
	s = strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	return strings.TrimSuffix(strings.ReplaceAll(s, "licence", "license"), "s")
}

// fit holds a value against its schema and puts harmless slips right.
func fit(name string, s *jsonschema.Schema, v any) (any, error) {
	switch s.Type {
	case "string":
		return fitText(name, s, v)
	case "integer", "number":
		return fitNumber(name, s, v)
	case "boolean":
		switch b := v.(type) {
		case bool:
			return b, nil
		case string:
			if got, err := strconv.ParseBool(strings.ToLower(b)); err == nil {
				return got, nil
			}
		}
		return nil, badArgument("%s must be true or false, not %s.", name, show(v))
	case "array":
		return fitList(name, s, v)
	case "object":
		if m, ok := v.(map[string]any); ok {
			return m, nil
		}
		return nil, badArgument("%s must be an object, not %s.", name, show(v))
	default:
		return v, nil
	}
}

func fitText(name string, s *jsonschema.Schema, v any) (any, error) {
	var text string
	switch x := v.(type) {
	case string:
		text = x
	case json.Number:
		text = x.String()
	case bool:
		if !switches(s) {
			return nil, badArgument("%s must be text, not %s.", name, show(v))
		}
		text = map[bool]string{true: "enabled", false: "disabled"}[x]
	default:
		return nil, badArgument("%s must be text, not %s.", name, show(v))
	}
	if s.MaxLength != nil && uint64(len([]rune(text))) > *s.MaxLength {
		return nil, badArgument("%s is longer than %d characters%s", name, *s.MaxLength, saying(s))
	}
	if len(s.Enum) == 0 {
		return text, nil
	}
	allowed := make([]string, len(s.Enum))
	for i, e := range s.Enum {
		allowed[i] = fmt.Sprint(e)
		if plain(allowed[i]) == plain(text) {
			return allowed[i], nil
		}
	}
	for _, a := range allowed {
		if slices.Contains(tools.OtherValues[a], plain(text)) {
			return a, nil
		}
	}
	said := fmt.Sprintf("%s must be one of %s (got %s)", name, strings.Join(allowed, ", "), show(v))
	if near := config.Near(text, allowed); near != "" {
		said += "; the nearest is " + near
	}
	return nil, badArgument("%s.", said)
}

// switches says whether a text is a switch of more than two positions: true and false are two of them.
func switches(s *jsonschema.Schema) bool {
	return slices.Contains(s.Enum, any("enabled")) && slices.Contains(s.Enum, any("disabled"))
}

func fitNumber(name string, s *jsonschema.Schema, v any) (any, error) {
	text := ""
	switch x := v.(type) {
	case json.Number:
		text = x.String()
	case string:
		text = strings.TrimSpace(x)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || (s.Type == "integer" && f != float64(int64(f))) {
		return nil, badArgument("%s must be a whole number, not %s.", name, show(v))
	}
	if lo, err := s.Minimum.Float64(); s.Minimum != "" && err == nil && f < lo {
		return nil, badArgument("%s must be at least %s (got %s).", name, s.Minimum, text)
	}
	if hi, err := s.Maximum.Float64(); s.Maximum != "" && err == nil && f > hi {
		return nil, badArgument("%s must be at most %s (got %s).", name, s.Maximum, text)
	}
	if s.Type == "integer" {
		return int64(f), nil
	}
	return f, nil
}

func fitList(name string, s *jsonschema.Schema, v any) (any, error) {
	list, ok := v.([]any)
	if text, isText := v.(string); isText && strings.HasPrefix(strings.TrimSpace(text), "[") {
		ok = json.Unmarshal([]byte(text), &list) == nil
	}
	if !ok {
		list = apart(s, v)
	}
	if s.MaxItems != nil && uint64(len(list)) > *s.MaxItems {
		return nil, badArgument("%s takes at most %d values (got %d).", name, *s.MaxItems, len(list))
	}
	out := make([]any, len(list))
	for i, x := range list {
		if _, isObject := x.(map[string]any); isObject && s.Items.Type == "string" {
			return nil, badArgument("%s must be a list of text, not of objects%s", name, saying(s))
		}
		fixed, err := fit(name, s.Items, x)
		if err != nil {
			return nil, err
		}
		out[i] = fixed
	}
	return out, nil
}

// apart is the list that a text stands for: its parts between commas where that cannot be a name with a comma in it,
// since each is an address or one of a few words; else the text alone.
func apart(s *jsonschema.Schema, v any) []any {
	text, ok := v.(string)
	if !ok {
		return []any{v}
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' })
	if len(parts) == 0 {
		return []any{v}
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if len(s.Items.Enum) == 0 && strings.Count(p, "@") != 1 {
			return []any{v}
		}
		out[i] = p
	}
	return out
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "that"
	}
	return tools.Clean(string(b), 80)
}

// saying is a property's description behind what is said of it; where it has none, the sentence ends.
func saying(p *jsonschema.Schema) string {
	switch {
	case p.Description != "":
		return ": " + strings.TrimSuffix(p.Description, ".") + "."
	case len(p.Enum) > 0:
		return ": " + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(p.Enum)), ", "), "[]") + "."
	}
	return "."
}
