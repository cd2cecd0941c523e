package casefile

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"cipp-mcp/workflows/bec"
)

// A row is one line: {"kind":…,"id":…,"data":…}. Cases of hundreds of thousands of rows are read more than once, so what
// was written like that is taken apart without decoding the data; any other line goes the general way.
var rowParts = [...][]byte{[]byte(`{"kind":"`), []byte(`,"id":"`), []byte(`,"data":`)}

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
	var row bec.Row
	line = bytes.TrimSuffix(line, []byte("\n"))
	rest, ok := bytes.CutPrefix(line, rowParts[0])
	if ok {
		row.Kind, rest, ok = plainString(rest)
	}
	if ok {
		rest, ok = bytes.CutPrefix(rest, rowParts[1])
	}
	if ok {
		row.ID, rest, ok = plainString(rest)
	}
	if ok {
		rest, ok = bytes.CutPrefix(rest, rowParts[2])
	}
	if data, closed := bytes.CutSuffix(rest, []byte("}")); ok && closed && gjson.ValidBytes(data) {
		row.Data = bytes.Clone(data)
		return row, nil
	}
	row = bec.Row{}
	err := json.Unmarshal(line, &row)
	return row, err
}

// plainString is what stands before the closing quote, where nothing in it is escaped.
func plainString(b []byte) (s string, rest []byte, ok bool) {
	end := bytes.IndexByte(b, '"')
	if end < 0 || bytes.IndexByte(b[:end], '\\') >= 0 {
		return "", b, false
	}
	return string(b[:end]), b[end+1:], true
}
