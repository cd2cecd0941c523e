package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// resultSchema is the schema of an investigation's result, as the design fixes it; nil where the design is not beside
// the project.
func resultSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := os.ReadFile("../../../shared/design/bec.md")
	if err != nil {
		t.Skip("the design with the schema is not beside the project")
	}
	m := regexp.MustCompile("(?s)```json\n(\\{\"\\$schema\".*?)\n```").FindSubmatch(b)
	if m == nil {
		t.Fatal("the design holds no schema")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(m[1]))
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
	schema := resultSchema(t)
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
			if err := schema.Validate(v); err != nil {
				t.Errorf("%v %s: %v", who["userId"], section, err)
			}
		}
	}
}
