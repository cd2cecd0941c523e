package tools

import (
	"encoding/json"
	"math"

	"cipp-mcp/internal/policy"
)

// Part says whether a list is complete and how to go on.
type Part struct {
	HasMore bool   `json:"hasMore"`
	Cursor  string `json:"cursor,omitempty"`
	// Export is where all rows are, in place of here.
	Export *Export `json:"export,omitempty"`

	// cut makes the cursor that goes on after the first n rows.
	cut func(n int) string
}

// position is where a list goes on: after Skip rows of the page behind Link (empty: the first).
// Top is how long that page is: the next call may ask for a different limit.
type position struct {
	Link string `json:"l,omitempty"`
	Skip int    `json:"s,omitempty"`
	Top  int    `json:"n,omitempty"`
}

// openCursor reads where a list goes on; an empty cursor is the beginning. A cursor is sealed for one
// tool, tenant, user and set of arguments: Microsoft's links inside are neither shown nor taken from a client.
func openCursor(c *Call, tool, cursor string) (position, error) {
	var p position
	if cursor == "" {
		return p, nil
	}
	return p, c.Policy.Sealer.Open(cursorPurpose(c, tool), cursor, &p)
}

func sealCursor(c *Call, tool string, p position) string {
	s, err := c.Policy.Sealer.Seal(cursorPurpose(c, tool), p)
	if err != nil {
		return "" // a position always marshals
	}
	return s
}

func cursorPurpose(c *Call, tool string) string {
	user := ""
	if c.User != nil {
		user = c.User.ID
	}
	return "cursor " + tool + " " + c.Tenant.ID + " " + user + " " + c.asked
}

// askedFor is the fingerprint of what a list was asked for, without where in it and how much.
func askedFor(in any) string {
	b, err := json.Marshal(in)
	if err != nil {
		return ""
	}
	args := map[string]any{}
	if json.Unmarshal(b, &args) != nil {
		return ""
	}
	for _, k := range []string{"tenantFilter", "userId", "limit", "cursor"} {
		delete(args, k)
	}
	return policy.ArgsHash(args)
}

// Exported is the export that holds the rows; nil where they are in the answer.
func (p Part) Exported() *Export { return p.Export }

// rows is how many there are, n of them in the answer.
func (p Part) rows(n int) int {
	if p.Export != nil {
		return p.Export.Rows
	}
	return n
}

// slicePage is one page of rows that are all at hand, or the export of them all.
func slicePage[T any](c *Call, tool string, rows []T, a PageArgs) ([]T, Part, error) {
	if a.csv() {
		x, err := exportRows(c, rows)
		return []T{}, Part{Export: x}, err
	}
	p, err := openCursor(c, tool, a.Cursor)
	if err != nil {
		return nil, Part{}, err
	}
	if rows == nil {
		rows = []T{}
	}
	from := min(p.Skip, len(rows))
	to := min(from+a.limit(), len(rows))
	part := Part{cut: func(n int) string { return sealCursor(c, tool, position{Skip: from + n}) }}
	if to < len(rows) {
		part.HasMore, part.Cursor = true, part.cut(to-from)
	}
	return rows[from:to:to], part, nil
}

// reach is how many rows of a list it takes to show the page that is asked for and to know whether there are more; all
// of them for an export.
func (p PageArgs) reach(c *Call, tool string) (int, error) {
	if p.csv() {
		return math.MaxInt, nil
	}
	at, err := openCursor(c, tool, p.Cursor)
	return at.Skip + p.limit() + 1, err
}

// shrinkRows drops the second half of a list's rows and says how to get them; false when there is
// nothing left to drop.
func shrinkRows[T any](rows *[]T, p *Part) bool {
	if len(*rows) < 2 || p.cut == nil {
		return false
	}
	n := len(*rows) / 2
	*rows = (*rows)[:n]
	p.HasMore, p.Cursor = true, p.cut(n)
	return true
}
