package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// leaves are values that have to stand in the cloud once a capability has done its work: what was asked for, not only
// that something moved there. A path leads through the state by the names the demo prints; a part of a name is enough
// for an object of a list, so that «users/nia» is a user and «groups/Port Alerts» a group. nil: nothing stands there.
type leaves map[string]any

// part is a value of which only this much is known.
type part string

// ofUser are the paths of a user's properties in Harbourline.
func ofUser(upn string, pairs ...any) leaves {
	l := leaves{}
	for i := 0; i+1 < len(pairs); i += 2 {
		l["graph/users/"+upn+"/"+fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return l
}

// ofBox are the paths of a mailbox's properties in Harbourline.
func ofBox(upn string, pairs ...any) leaves {
	l := leaves{}
	for i := 0; i+1 < len(pairs); i += 2 {
		l["exchange/mailboxes/"+upn+"/"+fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return l
}

func (l leaves) with(more leaves) leaves {
	for k, v := range more {
		l[k] = v
	}
	return l
}

// stands fails for what is not in the cloud as it has to be.
func (w *world) stands(l leaves) {
	w.t.Helper()
	for path, want := range l {
		have := w.at(path)
		if p, ok := want.(part); ok {
			if !strings.Contains(compact(have), string(p)) {
				w.t.Errorf("%s is %s, without %s", path, compact(have), p)
			}
			continue
		}
		b, err := json.Marshal(want)
		if err != nil {
			w.t.Fatal(err)
		}
		var plain any
		if err := json.Unmarshal(b, &plain); err != nil {
			w.t.Fatal(err)
		}
		if compact(have) != compact(plain) {
			w.t.Errorf("%s is %s, expected %s", path, compact(have), compact(plain))
		}
	}
}

// at is the value at a path of Harbourline's state, nil where there is none.
func (w *world) at(path string) any {
	w.t.Helper()
	var v any
	if err := json.Unmarshal(w.state(), &v); err != nil {
		w.t.Fatal(err)
	}
	path = strings.TrimPrefix(path, "/")
	if !strings.HasPrefix(path, "tenants/") {
		path = "tenants/" + harbourline + "/" + path
	}
	for _, name := range strings.Split(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			v = member(x, name)
		default:
			return nil
		}
	}
	return v
}

func member(list []any, name string) any {
	var near any
	for _, o := range list {
		k := key(o)
		if k == name {
			return o
		}
		if near == nil && strings.Contains(k, name) {
			near = o
		}
	}
	return near
}
