package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

var unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)

// explain turns the YAML library's error into one sentence with the line and, for an unknown key,
// the nearest one that exists.
func explain(err error) error {
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return err
	}
	line := 0
	if t := ye.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	if m := unknownField.FindStringSubmatch(ye.GetMessage()); m != nil {
		return fmt.Errorf("line %d: there is no setting %q; did you mean %q?", line, m[1], Nearest(m[1], keys(reflect.TypeFor[Config]())))
	}
	return fmt.Errorf("line %d: %s", line, ye.GetMessage())
}

func keys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		out = append(out, strings.Split(f.Tag.Get("yaml"), ",")[0])
		ft := f.Type
		if ft.Kind() == reflect.Map {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Struct {
			out = append(out, keys(ft)...)
		}
	}
	return out
}
