package tools

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"cipp-mcp/internal/config"
)

// A posture, the operator's defaults and the tool speak of the same options by the same names.
func TestPosturesNameOptions(t *testing.T) {
	var arguments []string
	for i := range reflect.TypeFor[OffboardUserIn]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[OffboardUserIn]().Field(i).Tag.Get("json"), ",")
		arguments = append(arguments, name)
	}
	known := config.Offboarding{}.Options()
	for _, o := range offboardingOptions {
		if _, ok := known[o]; !ok || !slices.Contains(arguments, o) {
			t.Errorf("%s is no option of both", o)
		}
	}
	if len(known) != len(offboardingOptions) {
		t.Errorf("the operator has %d, the tool %d", len(known), len(offboardingOptions))
	}
	for p, options := range postures {
		for i, o := range options {
			if !slices.Contains(offboardingOptions, o) || slices.Contains(options[:i], o) {
				t.Errorf("%s: %s", p, o)
			}
		}
	}
}
