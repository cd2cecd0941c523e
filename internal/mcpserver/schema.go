package mcpserver

import (
	"encoding/json"
	"fmt"
	"reflect"

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
