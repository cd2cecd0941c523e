package tools

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"cipp-mcp/internal/exports"
)

// Export is where the rows of a list lie that are not in the answer.
type Export struct {
	URI     string    `json:"uri"`
	Rows    int       `json:"rows"`
	Columns []string  `json:"columns"`
	Until   time.Time `json:"until"`
}

const exportScheme = "cipp://exports/"

// ExportTemplate is the address of an export as a URI template.
const ExportTemplate = exportScheme + "{exportId}.csv"

// ExportText is an export by its address. One with rows of a tenant that the operator excludes is not shown.
func (e *Env) ExportText(ctx context.Context, uri string) (string, error) {
	gone := &Problem{Code: "not_found", Message: "There is no such export; one lasts an hour.", Next: "Call the list again with format=csv."}
	id, ok := strings.CutPrefix(uri, exportScheme)
	if e.Exports == nil || !ok {
		return "", gone
	}
	text, tenants, err := e.Exports.Read(strings.TrimSuffix(id, ".csv"))
	if errors.Is(err, exports.ErrGone) {
		return "", gone
	}
	if err != nil {
		return "", err
	}
	for _, t := range tenants {
		if _, err := e.Graph.ResolveTenant(ctx, t); err != nil {
			return "", err
		}
	}
	return text, nil
}

// exporter writes a list row by row, so that no more of it is held than a row.
type exporter struct {
	to      *exports.Writer
	csv     *csv.Writer
	columns []string
	redact  func(string) string
	rows    int
}

// export begins an export with these columns.
func (c *Call) export(columns []string) (*exporter, error) {
	if c.Exports == nil {
		return nil, invalid("format: nothing can be exported here; leave it out.")
	}
	var tenants []string
	if c.Tenant.ID != "" {
		tenants = append(tenants, c.Tenant.ID)
	}
	w, err := c.Exports.Create(tenants...)
	if err != nil {
		return nil, exportProblem(err)
	}
	x := &exporter{to: w, csv: csv.NewWriter(w), columns: columns, redact: c.Redact}
	return x, exportProblem(x.csv.Write(columns))
}

// add writes a row; its cells are cleaned as every result is, and are no formula to a spreadsheet.
func (x *exporter) add(cells []string) error {
	for i := range cells {
		cells[i] = noFormula(x.redact(Clean(cells[i], maxText)))
	}
	x.rows++
	return exportProblem(x.csv.Write(cells))
}

// end closes what was written without err, or removes it.
func (x *exporter) end(err error) (*Export, error) {
	x.csv.Flush()
	if err = errors.Join(err, x.csv.Error()); err != nil {
		x.to.Drop()
		return nil, exportProblem(err)
	}
	if err := x.to.Close(); err != nil {
		return nil, exportProblem(err)
	}
	return &Export{URI: exportScheme + x.to.ID + ".csv", Rows: x.rows, Columns: x.columns, Until: x.to.Until}, nil
}

func exportProblem(err error) error {
	if errors.Is(err, exports.ErrTooLong) {
		return invalid("format: %s; narrow it.", exports.ErrTooLong)
	}
	return err
}

// exportRows exports rows that are all at hand; the columns are their JSON names.
func exportRows[T any](c *Call, rows []T) (*Export, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, invalid("format: this list has no columns; leave it out.")
	}
	x, err := c.export(jsonNames(t))
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if err = x.add(cells(reflect.ValueOf(rows[i]))); err != nil {
			break
		}
	}
	return x.end(err)
}

// cells are a row's values in the order of jsonNames.
func cells(row reflect.Value) []string {
	var out []string
	for i := range row.NumField() {
		if n, _, _ := strings.Cut(row.Type().Field(i).Tag.Get("json"), ","); n != "" && n != "-" {
			out = append(out, cell(row.Field(i).Interface()))
		}
	}
	return out
}

// cell is one value as a spreadsheet shows it.
func cell(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case time.Time:
		return stampOf(&x)
	case *time.Time:
		return stampOf(x)
	case []string:
		return strings.Join(x, "; ")
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer:
		if r.IsNil() {
			return ""
		}
		return cell(r.Elem().Interface())
	case reflect.Map, reflect.Slice:
		if r.Len() == 0 {
			return ""
		}
	case reflect.Struct:
	default:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
