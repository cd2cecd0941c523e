package mcpserver

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// inputSchema reflects a tool's input struct into the schema clients see. Everything a client has
// been seen to choke on stays out: no $schema, no references, no type arrays, no bare booleans.
func inputSchema(t reflect.Type) *jsonschema.Schema {
	r := jsonschema.Reflector{ExpandedStruct: true, DoNotReference: true, Anonymous: true}
	s := r.ReflectFromType(t)
	s.Version = ""
	return s
}

// rawSchema is the schema as it goes over the wire.
func rawSchema(s *jsonschema.Schema) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a tool's schema cannot be written: %v", err)) // at start, by a programmer's mistake
	}
	return b
}

// advertised is a tool's schema as clients see it: without the arguments that are taken but seldom wanted (tagged
// quiet), for which every conversation would pay.
func advertised(t reflect.Type) *jsonschema.Schema {
	s := inputSchema(t)
	for _, name := range quiet(t) {
		s.Properties.Delete(name)
	}
	return s
}

// quiet are the names of a tool's arguments that are not advertised. The input that is worth it names one loud again.
func quiet(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			for _, name := range quiet(f.Type) {
				if name != f.Tag.Get("loud") {
					out = append(out, name)
				}
			}
			continue
		}
		if f.Tag.Get("quiet") == "true" {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			out = append(out, name)
		}
	}
	return out
}
