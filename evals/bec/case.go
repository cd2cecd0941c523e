package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A case is a JSON file: a cloud, an account in it, and what an investigator would sign. The cloud is a state file of
// the sandbox, whole, or the common one with changes.
type caseFile struct {
	Title  string `json:"title"`
	Tenant string `json:"tenant"`
	User   string `json:"user"`
	// State is a whole state file; without it Changes are made to base.json.
	State   json.RawMessage `json:"state,omitempty"`
	Changes []change        `json:"changes,omitempty"`
	Expect  expect          `json:"expect"`

	name string
}

// change is one addition to the common cloud: At is where, as a path of keys and indexes ("tenants/0/graph/signIns"),
// where key[name=value] finds a row of a list.
type change struct {
	At     string          `json:"at"`
	Set    json.RawMessage `json:"set,omitempty"`
	Append []any           `json:"append,omitempty"`
}

// expect is what has to come out.
type expect struct {
	Verdict      []string    `json:"verdict"`
	IncidentType string      `json:"incidentType,omitempty"`
	State        string      `json:"state,omitempty"`
	Findings     []wanted    `json:"findings,omitempty"`
	Absent       []string    `json:"absent,omitempty"` // classes that must not be found above info
	Plan         []planned   `json:"plan,omitempty"`
	NotPlanned   []string    `json:"notPlanned,omitempty"` // ids that no step may touch
	NotActions   []string    `json:"notActions,omitempty"` // actions that no step may take; "*" is any
	Coverage     []coverWant `json:"coverage,omitempty"`
}

type wanted struct {
	Class       string `json:"class"`
	Severity    string `json:"severity,omitempty"` // at least
	Attribution string `json:"attribution,omitempty"`
}

type planned struct {
	Action string `json:"action"`
	Target string `json:"target,omitempty"` // part of its target's id
}

type coverWant struct {
	Source string `json:"source"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

func load(dir string) ([]*caseFile, []byte, error) {
	base, err := os.ReadFile(filepath.Join(dir, "base.json")) //nolint:gosec // the repository's own
	if err != nil {
		return nil, nil, fmt.Errorf("read the cases: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "cases", "*.json"))
	if err != nil {
		return nil, nil, fmt.Errorf("read the cases: %w", err)
	}
	slices.Sort(paths)
	var out []*caseFile
	for _, p := range paths {
		b, err := os.ReadFile(p) //nolint:gosec // the repository's own
		if err != nil {
			return nil, nil, fmt.Errorf("read the cases: %w", err)
		}
		c := &caseFile{name: strings.TrimSuffix(filepath.Base(p), ".json")}
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.DisallowUnknownFields()
		if err := d.Decode(c); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p, err)
		}
		out = append(out, c)
	}
	return out, base, nil
}

// cloud is the state file of a case.
func (c *caseFile) cloud(base []byte) (map[string]any, error) {
	text := base
	if c.State != nil {
		text = c.State
	}
	var state map[string]any
	if err := json.Unmarshal(text, &state); err != nil {
		return nil, fmt.Errorf("%s: its cloud: %w", c.name, err)
	}
	for _, ch := range c.Changes {
		if err := apply(state, ch); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", c.name, ch.At, err)
		}
	}
	grown, err := repeat(state)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	out, ok := grown.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: its cloud is no object", c.name)
	}
	return out, nil
}

func apply(state map[string]any, ch change) error {
	parts := strings.Split(ch.At, "/")
	var at any = state
	for _, p := range parts[:len(parts)-1] {
		next, err := step(at, p)
		if err != nil {
			return err
		}
		at = next
	}
	last := parts[len(parts)-1]
	o, ok := at.(map[string]any)
	if !ok {
		return fmt.Errorf("%q is not in an object", last)
	}
	if ch.Append != nil {
		list, _ := o[last].([]any)
		o[last] = append(list, ch.Append...)
		return nil
	}
	var v any
	if err := json.Unmarshal(ch.Set, &v); err != nil {
		return fmt.Errorf("its value: %w", err)
	}
	o[last] = v
	return nil
}

func step(at any, p string) (any, error) {
	if key, find, ok := strings.Cut(strings.TrimSuffix(p, "]"), "["); ok {
		name, value, _ := strings.Cut(find, "=")
		list, err := step(at, key)
		if err != nil {
			return nil, err
		}
		rows, _ := list.([]any)
		for _, r := range rows {
			if o, ok := r.(map[string]any); ok && fmt.Sprint(o[name]) == value {
				return o, nil
			}
		}
		return nil, fmt.Errorf("there is no row %s", p)
	}
	switch v := at.(type) {
	case map[string]any:
		if next, ok := v[p]; ok {
			return next, nil
		}
		next := map[string]any{}
		v[p] = next
		return next, nil
	case []any:
		i, err := strconv.Atoi(p)
		if err != nil || i < 0 || i >= len(v) {
			return nil, fmt.Errorf("there is no row %q", p)
		}
		return v[i], nil
	}
	return nil, fmt.Errorf("%q is in nothing", p)
}

// repeat makes many rows of one that says so: {"repeat": {"count": 20, "everyHours": 24, "firstHoursAgo": 700}, …}.
// In its strings $n is the row's number, $at its time and $id an id of its own.
func repeat(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			n, err := repeat(x)
			if err != nil {
				return nil, err
			}
			v[k] = n
		}
		return v, nil
	case []any:
		out := make([]any, 0, len(v))
		for _, x := range v {
			o, ok := x.(map[string]any)
			how, many := o["repeat"].(map[string]any)
			if !ok || !many {
				n, err := repeat(x)
				if err != nil {
					return nil, err
				}
				out = append(out, n)
				continue
			}
			delete(o, "repeat")
			text, err := json.Marshal(o)
			if err != nil {
				return nil, fmt.Errorf("repeat: %w", err)
			}
			count, every, first := number(how["count"]), number(how["everyHours"]), number(how["firstHoursAgo"])
			for i := range int(count) {
				minutes := int((first - float64(i)*every) * 60)
				one := strings.NewReplacer("$n", strconv.Itoa(i), "$at", fmt.Sprintf("$now-%dm", minutes), "$id", fmt.Sprintf("%s%012x", seedOf(text), i+1)).Replace(string(text))
				var row any
				if err := json.Unmarshal([]byte(one), &row); err != nil {
					return nil, fmt.Errorf("repeat: %w", err)
				}
				out = append(out, row)
			}
		}
		return out, nil
	}
	return v, nil
}

func number(v any) float64 { f, _ := v.(float64); return f }

// seedOf begins the ids of a repeated row: of its own text, so that no two kinds of row share one.
func seedOf(text []byte) string {
	h := uint64(1469598103934665603)
	for _, b := range text {
		h = (h ^ uint64(b)) * 1099511628211
	}
	s := fmt.Sprintf("%016x", h)
	return s[:8] + "-" + s[8:12] + "-4" + s[13:16] + "-8aaa-"
}
