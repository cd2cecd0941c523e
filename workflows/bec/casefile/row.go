package casefile

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"cipp-mcp/workflows/bec"
)

// A row is one line: {"kind":…,"id":…,"data":…}. Cases of hundreds of thousands of rows are read more than once, so its
// data is not decoded on the way.

// rowLine is a row as a line. data is one JSON value.
func rowLine(kind, id string, data []byte) ([]byte, error) {
	if !gjson.ValidBytes(data) {
		line, err := json.Marshal(bec.Row{Kind: kind, ID: id, Data: data}) // says what is wrong with it
		return append(line, '\n'), err
	}
	if bytes.IndexByte(data, '\n') >= 0 { // between its parts: within a string it is escaped
		var flat bytes.Buffer
		if err := json.Compact(&flat, data); err != nil {
			return nil, fmt.Errorf("row: %w", err)
		}
		data = flat.Bytes()
	}
	k, err := json.Marshal(kind)
	if err != nil {
		return nil, fmt.Errorf("row: %w", err)
	}
	i, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("row: %w", err)
	}
	line := make([]byte, 0, len(data)+len(k)+len(i)+32)
	line = append(append(line, `{"kind":`...), k...)
	line = append(append(line, `,"id":`...), i...)
	line = append(append(line, `,"data":`...), data...)
	return append(line, "}\n"...), nil
}

// readRow reads a line; the row keeps nothing of it.
func readRow(line []byte) (bec.Row, error) {
	if !gjson.ValidBytes(line) {
		var row bec.Row
		return row, json.Unmarshal(line, &row) // says what is wrong with it
	}
	part := gjson.GetManyBytes(line, "kind", "id", "data")
	return bec.Row{Kind: part[0].String(), ID: part[1].String(), Data: json.RawMessage(part[2].Raw)}, nil
}
