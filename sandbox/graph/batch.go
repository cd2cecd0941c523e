package graph

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const batchLimit = 20

// item is one request of a $batch.
type item struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// answer is a response kept in memory.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// batch is POST /$batch: up to 20 requests in one; each is answered as if it had come alone. The answers come
// in the reverse order, since clients must match them by id.
// https://learn.microsoft.com/graph/json-batching
func (c *call) batch() error {
	if c.r.Method != http.MethodPost {
		return refused(http.StatusMethodNotAllowed, "BadRequest", "Only POST is allowed for $batch.")
	}
	in, err := c.json(true)
	if err != nil {
		return err
	}
	text, err := json.Marshal(in["requests"])
	if err != nil {
		return err
	}
	var items []item
	if err := json.Unmarshal(text, &items); err != nil || in["requests"] == nil {
		return refused(http.StatusBadRequest, "BadRequest", "Invalid batch payload format.")
	}
	if len(items) > batchLimit {
		return refused(http.StatusBadRequest, "BadRequest", "Number of batch request steps exceeds the maximum value of %d.", batchLimit)
	}
	seen := map[string]bool{}
	for _, it := range items {
		id := strings.ToLower(it.ID)
		switch {
		case it.ID == "" || it.Method == "" || it.URL == "":
			return refused(http.StatusBadRequest, "BadRequest", "Each batch request needs an id, a method and a url.")
		case seen[id]:
			return refused(http.StatusBadRequest, "BadRequest", "The batch request id '%s' is not unique.", it.ID)
		case len(it.Body) > 0 && contentType(it) == "":
			return refused(http.StatusBadRequest, "BadRequest", "The batch request with id '%s' has a body and needs a Content-Type header.", it.ID)
		case strings.Contains(it.URL, "$batch"):
			return refused(http.StatusBadRequest, "BadRequest", "Batch requests cannot be nested.")
		}
		for _, d := range it.DependsOn {
			if !seen[strings.ToLower(d)] {
				return refused(http.StatusBadRequest, "BadRequest", "The batch request with id '%s' depends on '%s', which does not stand before it.", it.ID, d)
			}
		}
		seen[id] = true
	}
	b := []byte(`{"responses":[`)
	parts := make([][]byte, 0, len(items))
	failed := map[string]bool{}
	for _, it := range items {
		a := c.item(it, failed)
		failed[strings.ToLower(it.ID)] = a.status >= 400
		parts = append(parts, a.part(it.ID))
	}
	for i := len(parts) - 1; i >= 0; i-- {
		b = append(b, parts[i]...)
		if i > 0 {
			b = append(b, ',')
		}
	}
	b = append(b, "]}"...)
	c.out = b
	return nil
}

func contentType(it item) string {
	for k, v := range it.Headers {
		if strings.EqualFold(k, "Content-Type") {
			return v
		}
	}
	return ""
}

func (c *call) item(it item, failed map[string]bool) *answer {
	a := &answer{header: http.Header{}}
	for _, d := range it.DependsOn {
		if failed[strings.ToLower(d)] {
			a.status = http.StatusFailedDependency
			a.header.Set("Content-Type", "application/json")
			a.body.WriteString(`{"error":{"code":"FailedDependency","message":"A request this one depends on has failed."}}`)
			return a
		}
	}
	version := "/v1.0"
	if c.beta {
		version = "/beta"
	}
	u, err := url.Parse(version + "/" + strings.TrimPrefix(it.URL, "/"))
	if err != nil {
		a.status = http.StatusBadRequest
		a.header.Set("Content-Type", "application/json")
		a.body.WriteString(`{"error":{"code":"BadRequest","message":"The url of the batch request is not valid."}}`)
		return a
	}
	r := c.r.Clone(c.r.Context())
	r.Method, r.URL, r.RequestURI = strings.ToUpper(it.Method), u, u.RequestURI()
	r.Header = http.Header{"Authorization": c.r.Header["Authorization"]}
	for k, v := range it.Headers {
		r.Header.Set(k, v)
	}
	body := []byte(it.Body)
	if !strings.Contains(contentType(it), "json") {
		var s string
		if json.Unmarshal(body, &s) == nil {
			if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
				body = raw
			}
		}
	}
	r.Body, r.ContentLength = readCloser{bytes.NewReader(body)}, int64(len(body))
	h := c.s.Inner
	if h == nil {
		h = c.s
	}
	h.ServeHTTP(a, r)
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// part writes an answer as a member of the batch's responses.
func (a *answer) part(id string) []byte {
	headers := map[string]any{}
	for _, name := range []string{"Content-Type", "Location", "Retry-After", "WWW-Authenticate"} {
		if v := a.header.Get(name); v != "" {
			headers[name] = v
		}
	}
	part := map[string]any{"id": id, "status": a.status, "headers": headers}
	if a.body.Len() > 0 {
		switch kind := a.header.Get("Content-Type"); {
		case strings.Contains(kind, "json") && json.Valid(a.body.Bytes()):
			part["body"] = raw(a.body.String())
		case strings.HasPrefix(kind, "text/plain"):
			part["body"] = a.body.String()
		default:
			part["body"] = base64.StdEncoding.EncodeToString(a.body.Bytes())
		}
	}
	return appendValue(nil, part)
}
