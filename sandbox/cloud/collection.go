package cloud

import "strings"

// Collection is an ordered set of objects that are found by their id.
type Collection struct {
	rows []Object
	byID map[string]Object
}

func newCollection(rows []Object) *Collection {
	c := &Collection{rows: rows, byID: make(map[string]Object, len(rows))}
	for _, o := range rows {
		c.byID[strings.ToLower(Str(o, "id"))] = o
	}
	return c
}

// All is every object in order. The slice is the collection's own: it must not be changed.
func (c *Collection) All() []Object { return c.rows }

// Len is the number of objects.
func (c *Collection) Len() int { return len(c.rows) }

// Get is the object with that id (case does not matter), or nil.
func (c *Collection) Get(id string) Object {
	if o, ok := c.byID[id]; ok {
		return o
	}
	return c.byID[strings.ToLower(id)]
}

// Add appends o, which must have an id that is not in use.
func (c *Collection) Add(o Object) {
	c.rows = append(c.rows, o)
	c.byID[strings.ToLower(Str(o, "id"))] = o
}

// Remove takes the object out and returns it, or nil where there is none.
func (c *Collection) Remove(id string) Object {
	id = strings.ToLower(id)
	o := c.byID[id]
	if o == nil {
		return nil
	}
	delete(c.byID, id)
	rows := make([]Object, 0, len(c.rows))
	for _, r := range c.rows {
		if strings.ToLower(Str(r, "id")) != id {
			rows = append(rows, r)
		}
	}
	c.rows = rows
	return o
}
