package casefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"cipp-mcp/workflows/bec"
)

// A row is one line: {"kind":…,"id":…,"data":…}. Cases of hundreds of thousands of rows are read more than once, so its
// data is not decoded on the way.

// rowLine is a row as a line.
func rowLine(kind, id string, data []byte) ([]byte, error) { return appendRow(nil, kind, id, data) }

// appendRow adds a row to line, as a line. data is one JSON value.
func appendRow(line []byte, kind, id string, data []byte) ([]byte, error) {
	if !gjson.ValidBytes(data) {
		bad, err := json.Marshal(bec.Row{Kind: kind, ID: id, Data: data}) // says what is wrong with it
		return append(append(line, bad...), '\n'), err
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
	line = slices.Grow(line, len(data)+len(k)+len(i)+32)
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

// The parts of a line as rowLine writes it.
var kindPart, idPart, dataPart = []byte(`{"kind":"`), []byte(`","id":"`), []byte(`","data":`)

// viewRow reads a line without a copy of its data, which is good as long as the line is; kind is the last row's, most
// have it too. Lines that are out of the ordinary are read by readRow, and so is what is to be checked and is no JSON.
func viewRow(line []byte, kind string, check bool) (bec.Row, error) {
	body := bytes.TrimSuffix(line, []byte("\n"))
	k, rest, ok := text(body, kindPart, idPart)
	if !ok {
		return readRow(line)
	}
	id, data, ok := text(rest, nil, dataPart)
	if !ok || len(data) < 2 || data[len(data)-1] != '}' {
		return readRow(line)
	}
	data = data[:len(data)-1]
	if check && !gjson.ValidBytes(data) {
		return readRow(line)
	}
	if string(k) != kind {
		kind = string(k)
	}
	return bec.Row{Kind: kind, ID: string(id), Data: json.RawMessage(data)}, nil
}

// text is what stands between two parts of a line, where it holds neither quotes nor escapes, and what follows.
func text(b, before, after []byte) (between, rest []byte, ok bool) {
	if !bytes.HasPrefix(b, before) {
		return nil, nil, false
	}
	b = b[len(before):]
	end := bytes.IndexByte(b, '"')
	if end < 0 || !bytes.HasPrefix(b[end:], after) || bytes.IndexByte(b[:end], '\\') >= 0 {
		return nil, nil, false
	}
	return b[:end], b[end+len(after):], true
}
