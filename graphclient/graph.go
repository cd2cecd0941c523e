package graphclient

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	khttp "github.com/microsoft/kiota-http-go"
	kjson "github.com/microsoft/kiota-serialization-json-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
)

// adapter is the SDK's request adapter for one version of Graph, and the start of every builder's path.
type adapter struct {
	abs.RequestAdapter
	base string
}

var registerJSON = sync.OnceFunc(func() {
	// The SDK's root client does this; without it the adapter can neither write bodies nor read errors.
	abs.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory { return kjson.NewJsonSerializationWriterFactory() })
	abs.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory { return kjson.NewJsonParseNodeFactory() })
})

// newAdapter is the SDK's adapter on our chain. Signing is the chain's business, hence the anonymous provider.
func newAdapter(client *http.Client, base string) (*adapter, error) {
	registerJSON()
	a, err := core.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		&authentication.AnonymousAuthenticationProvider{}, core.GraphClientOptions{}, nil, nil, client)
	if err != nil {
		return nil, &Error{Kind: Internal, Message: "The Graph SDK's adapter cannot be made.", cause: err}
	}
	a.SetBaseUrl(base)
	return &adapter{a, base}, nil
}

// path is the map a request builder begins with. Builders write into it, so each gets its own.
func (a *adapter) path() map[string]string { return map[string]string{"baseurl": a.base} }

// read and change are the calls of a tenant's Graph. needs are the permissions any of which suffices.
func read(tenant string, needs ...string) call {
	return call{service: graphService, tenant: tenant, needs: needs}
}

func change(ctx context.Context, tenant string, needs ...string) call {
	return call{service: graphService, tenant: tenant, needs: needs, write: true, repeatable: isRepeatable(ctx)}
}

// limited is k kept within budget b.
func (k call) limited(b budget) call { k.budget = b; return k }

// deleting is k as a DELETE.
func (k call) deleting() call { k.deletes = true; return k }

// posting is k as a POST, which is never sent twice.
func (k call) posting() call { k.repeatable = false; return k }

// send sends what build makes and hands the answer's body (nil for none) to decode. An answer that cannot be
// decoded counts as one that was cut short.
func (c *Client) send(ctx context.Context, k call, a *adapter, build func() (*abs.RequestInformation, error), decode func([]byte) error) error {
	if err := c.permit(ctx, k.tenant); err != nil {
		return err
	}
	ctx = withCall(ctx, k)
	return c.repeat(ctx, k, func(ctx context.Context) error {
		info, err := build()
		if err != nil {
			return unbuilt(k, err)
		}
		answer, err := a.SendPrimitive(ctx, info, "[]byte", nil)
		if err != nil {
			return asError(k, err)
		}
		body, _ := answer.([]byte)
		if decode == nil {
			return nil
		}
		if err := decode(body); err != nil {
			return unreadable(k, err)
		}
		return nil
	})
}

// unbuilt is a request that could not be made: refused by us, or beyond the SDK.
func unbuilt(k call, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Service: string(k.service), Tenant: k.tenant, Message: "The request cannot be built.", cause: err}
}

// asError is the *Error within err, or a lost request where the SDK or net/http failed on their own.
func asError(k call, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return lost(k, err, true)
}

// unreadable is an answer with a success status whose body is not what it should be. The change was made, but
// what it gave back is unknown.
func unreadable(k call, err error) *Error {
	e := lost(k, err, true)
	e.Message = k.service.name() + " sent an answer that cannot be read; it may have been cut short."
	if k.write {
		e.Message += " The change was probably made; read the object before trying again."
	}
	return e
}

// fetch decodes the answer into T.
func fetch[T any](ctx context.Context, c *Client, k call, a *adapter, build func() (*abs.RequestInformation, error)) (T, error) {
	var v T
	err := c.send(ctx, k, a, build, func(body []byte) error {
		var fresh T // a repeated attempt must not find the leavings of the one before
		if err := decode(body, &fresh); err != nil {
			return err
		}
		v = fresh
		return nil
	})
	return v, err
}

// page is one page of a collection.
type page[T any] struct {
	Value []T    `json:"value"`
	Next  string `json:"@odata.nextLink"`
	Count *int64 `json:"@odata.count"`
}

// pages follows a collection page by page. The first request's headers are sent again on each.
func pages[T any](ctx context.Context, c *Client, k call, a *adapter, build func() (*abs.RequestInformation, error)) iter.Seq2[page[T], error] {
	return func(yield func(page[T], error) bool) {
		for {
			p, err := fetch[page[T]](ctx, c, k, a, build)
			if err != nil {
				yield(page[T]{}, err)
				return
			}
			if !yield(p, nil) || p.Next == "" {
				return
			}
			first, next := build, p.Next
			build = func() (*abs.RequestInformation, error) { return c.following(k, a, next, first) }
		}
	}
}

// all collects a whole collection, or its first limit rows where limit is positive.
func all[T any](ctx context.Context, c *Client, k call, a *adapter, limit int, build func() (*abs.RequestInformation, error)) ([]T, error) {
	var rows []T
	for p, err := range pages[T](ctx, c, k, a, build) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, p.Value...)
		if limit > 0 && len(rows) >= limit {
			return rows[:limit:limit], nil
		}
	}
	return rows, nil
}

// eachPage gives take a collection page by page, or its first limit rows where limit is positive. An error of
// take ends it and is returned.
func eachPage[T any](ctx context.Context, c *Client, k call, a *adapter, limit int, take func([]T) error, build func() (*abs.RequestInformation, error)) error {
	given := 0
	for p, err := range pages[T](ctx, c, k, a, build) {
		if err != nil {
			return err
		}
		rows := p.Value
		if limit > 0 {
			rows = rows[:min(len(rows), limit-given)]
		}
		if given += len(rows); len(rows) > 0 {
			if err := take(rows); err != nil {
				return err
			}
		}
		if limit > 0 && given >= limit {
			return nil
		}
	}
	return nil
}

// following is the request for a nextLink: the link as it is, with the headers of the request it came from.
func (c *Client) following(k call, a *adapter, link string, first func() (*abs.RequestInformation, error)) (*abs.RequestInformation, error) {
	u, err := c.checkLink(k, a, link)
	if err != nil {
		return nil, err
	}
	info := abs.NewRequestInformation()
	info.Method = abs.GET
	if first != nil {
		before, err := first()
		if err != nil {
			return nil, err
		}
		info.Headers.AddAll(before.Headers)
	}
	info.Headers.TryAdd("Accept", "application/json")
	// The link is opaque: not even the spelling of its option names is ours to tidy.
	info.AddRequestOptions([]abs.RequestOption{&khttp.ParametersNameDecodingOptions{Enable: false}})
	info.SetUri(*u)
	return info, nil
}

// checkLink refuses a link that does not lead to the configured Graph host and version. Links pass through
// models and caches as cursors, so one that names another host is an attempt to have a token sent there.
func (c *Client) checkLink(k call, a *adapter, link string) (*url.URL, error) {
	u, err := url.Parse(link)
	base, baseErr := url.Parse(a.base)
	if err != nil || baseErr != nil || u.User != nil || u.Fragment != "" ||
		!c.belongs(read(""), u.Scheme, u.Host) ||
		!strings.HasPrefix(u.Path, base.Path+"/") || strings.Contains(u.Path, "/../") || strings.HasSuffix(u.Path, "/..") {
		return nil, &Error{Kind: Invalid, Service: string(k.service), Tenant: k.tenant,
			Message: "The link to the next page does not lead to Microsoft Graph, so it was not followed."}
	}
	return u, nil
}

// withJSON gives a request a JSON body of our own instead of the SDK's model.
func withJSON(info *abs.RequestInformation, err error, body any) (*abs.RequestInformation, error) {
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	info.SetStreamContentAndContentType(b, "application/json")
	return info, nil
}

// plainRequest is a request the v1.0 SDK has no builder for. path is a URI template without the base.
func plainRequest(method abs.HttpMethod, path string, params map[string]string) *abs.RequestInformation {
	all := map[string]string{"baseurl": ""}
	for k, v := range params {
		all[k] = v
	}
	info := abs.NewRequestInformationWithMethodAndUrlTemplateAndPathParameters(method, "{+baseurl}"+path, all)
	info.Headers.TryAdd("Accept", "application/json")
	return info
}

// eventual are the headers of an advanced query on directory objects.
//
// Reference: https://learn.microsoft.com/graph/aad-advanced-queries
func eventual() *abs.RequestHeaders {
	h := abs.NewRequestHeaders()
	h.Add("ConsistencyLevel", "eventual")
	return h
}

// opt is a pointer to v, nil for a zero v: how the SDK's query structs say "not given".
func opt[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
