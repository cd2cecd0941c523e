// Package model is the table of Microsoft Graph's property names and types that the simulated cloud
// judges requests by. It is data only: v1.txt holds v1.0, beta.txt what beta has besides.
//
// A type is a line "name[:base][ open]" and indented lines "property=type"; * before a type is a
// collection, @ a navigation property. s b i l d t g u are Edm.String, Boolean, Int32, Int64, Double,
// DateTimeOffset, Guid and Duration. "name=enum" is an enumeration and its members.
package model

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed v1.txt
var v1Text string

//go:embed beta.txt
var betaText string

// Property is a declared property of a type.
type Property struct {
	Name string
	Type string // s, b, i, ... or the name of a type or enumeration
	Many bool
	Nav  bool
}

// Type is an entity or complex type with its own and its inherited properties.
type Type struct {
	Name  string
	Base  string
	Open  bool // directory extensions and the like may stand beside the declared properties
	Order []*Property
	lower map[string]*Property
}

// Model is one version of Graph.
type Model struct {
	types map[string]*Type
	enums map[string][]string
}

var (
	v1   = sync.OnceValue(func() *Model { return read(v1Text) })
	beta = sync.OnceValue(func() *Model { return read(v1Text, betaText) })
)

// V1 is v1.0.
func V1() *Model { return v1() }

// Beta is beta: v1.0 and the additions.
func Beta() *Model { return beta() }

func read(texts ...string) *Model {
	m := &Model{types: map[string]*Type{}, enums: map[string][]string{}}
	var t *Type
	enum := ""
	for _, text := range texts {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			switch {
			case line == "":
			case line[0] != ' ':
				t, enum = nil, ""
				if name, ok := strings.CutSuffix(line, "=enum"); ok {
					enum = name
					continue
				}
				head, open := strings.CutSuffix(line, " open")
				name, base, _ := strings.Cut(head, ":")
				if t = m.types[name]; t == nil {
					t = &Type{Name: name, Base: base, Open: open}
					m.types[name] = t
				}
			case enum != "":
				m.enums[enum] = append(m.enums[enum], strings.Fields(line)...)
			default:
				for _, word := range strings.Fields(line) {
					name, typ, _ := strings.Cut(word, "=")
					p := &Property{Name: name}
					typ, p.Nav = strings.CutPrefix(typ, "@")
					typ, p.Many = strings.CutPrefix(typ, "*")
					p.Type = typ
					t.Order = append(t.Order, p)
				}
			}
		}
	}
	for _, t := range m.types {
		m.finish(t)
	}
	m.types[AnyObject] = m.union("directoryObject", "user", "group", "directoryRole", "administrativeUnit", "device", "servicePrincipal", "application", "orgContact")
	return m
}

// AnyObject is the type by which queries on mixed collections of directory objects are judged: what any of the
// kinds has may be asked for.
const AnyObject = "directoryObject or derived"

func (m *Model) union(names ...string) *Type {
	u := &Type{Name: AnyObject, Open: true, lower: map[string]*Property{}}
	for _, name := range names {
		for _, p := range m.types[name].Order {
			if key := strings.ToLower(p.Name); u.lower[key] == nil {
				u.lower[key] = p
				u.Order = append(u.Order, p)
			}
		}
	}
	return u
}

// finish puts the inherited properties before the type's own, id first.
func (m *Model) finish(t *Type) {
	if t.lower != nil {
		return
	}
	t.lower = map[string]*Property{}
	if b := m.types[t.Base]; b != nil {
		m.finish(b)
		t.Order = append(append([]*Property{}, b.Order...), t.Order...)
		t.Open = t.Open || b.Open
	}
	for _, p := range t.Order {
		t.lower[strings.ToLower(p.Name)] = p
	}
}

// Type is the type with that name (without the namespace), or nil.
func (m *Model) Type(name string) *Type { return m.types[name] }

// Enum is the members of an enumeration, or nil.
func (m *Model) Enum(name string) []string { return m.enums[name] }

// Is says whether the type is base or derived from it.
func (m *Model) Is(name, base string) bool {
	for name != "" {
		if name == base {
			return true
		}
		t := m.types[name]
		if t == nil {
			return false
		}
		name = t.Base
	}
	return false
}

// Property is the declared property with that name, whatever its case, or nil.
func (t *Type) Property(name string) *Property {
	if p := t.lower[name]; p != nil {
		return p
	}
	return t.lower[strings.ToLower(name)]
}

// Edm is the name of a primitive type letter as Microsoft's messages write it; other names are given
// their namespace.
func Edm(typ string) string {
	switch typ {
	case "s":
		return "Edm.String"
	case "b":
		return "Edm.Boolean"
	case "i":
		return "Edm.Int32"
	case "l":
		return "Edm.Int64"
	case "d":
		return "Edm.Double"
	case "t":
		return "Edm.DateTimeOffset"
	case "g":
		return "Edm.Guid"
	case "u":
		return "Edm.Duration"
	}
	return "microsoft.graph." + typ
}
