package main

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"testing"

	reflected "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"cipp-mcp/workflows/bec"
)

// resultSchemas are the schema of an investigation's result as its type has it and, where the design is beside the
// project, as that fixes it.
func resultSchemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	r := reflected.Reflector{DoNotReference: true, Anonymous: true}
	own, err := json.Marshal(r.ReflectFromType(reflect.TypeFor[bec.Result]()))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*jsonschema.Schema{"the type's": compiled(t, own)}
	if b, err := os.ReadFile("../../../shared/design/bec.md"); err == nil {
		m := regexp.MustCompile("(?s)```json\n(\\{\"\\$schema\".*?)\n```").FindSubmatch(b)
		if m == nil {
			t.Fatal("the design holds no schema")
		}
		out["the design's"] = compiled(t, m[1])
	}
	return out
}

func compiled(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("result.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("result.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every section of every kind of case obeys the published schema.
func TestAnInvestigationObeysItsSchema(t *testing.T) {
	schemas := resultSchemas(t)
	w := newWorld(t, worldOptions{})
	for _, who := range []map[string]any{
		in("brightwell.example", "userId", demoVictim), in("pinecrest-bakery.example", "userId", "bilal.khan@pinecrest-bakery.example"),
		in("quillfeather.example", "userId", "nadia.frost@quillfeather.example"), in(harbourline, "userId", dana),
	} {
		for _, section := range []string{"summary", "findings", "timeline", "coverage", "affected", "evidence", "plan"} {
			a := w.must("cipp_bec_check", and(who, "section", section))
			b, err := json.Marshal(a.v)
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			for whose, schema := range schemas {
				if err := schema.Validate(v); err != nil {
					t.Errorf("%v %s, by %s schema: %v", who["userId"], section, whose, err)
				}
			}
		}
	}
}
