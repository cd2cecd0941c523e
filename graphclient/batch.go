package graphclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	abs "github.com/microsoft/kiota-abstractions-go"
	"golang.org/x/sync/errgroup"
)

// Microsoft's limit of requests in a batch, and how many batches of one call travel at once.
const (
	batchSize     = 20
	batchesAtOnce = 8
)

type batchRequest struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	URL    string `json:"url"`
}

type batchResponse struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// batchAnswer is the outcome of one item.
type batchAnswer struct {
	body json.RawMessage
	err  error
}

// getEach sends a GET for each key, twenty to a batch, batches in parallel. Items are matched by id, for they
// come back in any order; a throttled or failed item is sent again, alone with its like, as repeat would do
// with a request of its own. The error is for what failed as a whole.
//
// POST /$batch; the permissions are those of the items.
//
// Reference: https://learn.microsoft.com/graph/json-batching
func (c *Client) getEach(ctx context.Context, k call, a *adapter, keys []string, path func(string) string) (map[string]batchAnswer, error) {
	if err := require(k.tenant, keys...); err != nil {
		return nil, err
	}
	if err := c.permit(ctx, k.tenant); err != nil {
		return nil, err
	}
	chunks := make([]map[string]batchAnswer, (len(keys)+batchSize-1)/batchSize)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(batchesAtOnce)
	for i := range chunks {
		g.Go(func() (err error) {
			chunks[i], err = c.getChunk(gctx, k, a, keys[i*batchSize:min((i+1)*batchSize, len(keys))], path)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := make(map[string]batchAnswer, len(keys))
	for _, chunk := range chunks {
		for key, answer := range chunk {
			out[key] = answer
		}
	}
	return out, nil
}

// getChunk sends one batch until no item is left that is worth sending again.
func (c *Client) getChunk(ctx context.Context, k call, a *adapter, keys []string, path func(string) string) (map[string]batchAnswer, error) {
	out := make(map[string]batchAnswer, len(keys))
	left := keys
	err := c.repeat(ctx, k, func(ctx context.Context) error {
		answers, err := c.postBatch(ctx, k, a, left, path)
		if err != nil {
			return err
		}
		var failed []string
		var worst *Error
		for i, key := range left {
			out[key] = answers[i]
			if e := worthRepeating(answers[i].err); e != nil {
				failed = append(failed, key)
				if worst == nil || e.RetryAfter > worst.RetryAfter {
					worst = e
				}
			}
		}
		if left = failed; worst != nil {
			return worst
		}
		return nil
	})
	if len(out) == len(keys) {
		return out, nil // each item tells its own outcome
	}
	return nil, err
}

// postBatch sends one batch; the answers are in the order of keys. An item without answer is an error.
func (c *Client) postBatch(ctx context.Context, k call, a *adapter, keys []string, path func(string) string) ([]batchAnswer, error) {
	body := struct {
		Requests []batchRequest `json:"requests"`
	}{make([]batchRequest, len(keys))}
	for i, key := range keys {
		body.Requests[i] = batchRequest{strconv.Itoa(i + 1), http.MethodGet, path(key)}
	}
	info, err := withJSON(plainRequest(abs.POST, "/$batch", nil), nil, body)
	if err != nil {
		return nil, &Error{Kind: Internal, Tenant: k.tenant, Message: "The batch cannot be written.", cause: err}
	}
	answer, err := a.SendPrimitive(withCall(ctx, k), info, "[]byte", nil)
	if err != nil {
		return nil, asError(k, err)
	}
	var got struct {
		Responses []batchResponse `json:"responses"`
	}
	raw, _ := answer.([]byte)
	if err := json.Unmarshal(raw, &got); err != nil {
		return nil, unreadable(k, err)
	}
	answers := make([]batchAnswer, len(keys))
	for i := range answers {
		answers[i].err = &Error{Kind: Unavailable, Service: string(graphService), Tenant: k.tenant,
			Message: "Microsoft Graph left this request of a batch unanswered."}
	}
	token, _ := c.tokens.get(ctx, k.tenant, c.cfg.Cloud.scope(graphService))
	for _, r := range got.Responses {
		i, err := strconv.Atoi(r.ID)
		if err != nil || i < 1 || i > len(keys) {
			continue
		}
		answers[i-1] = batchAnswer{body: r.Body}
		if r.Status < 200 || r.Status >= 300 {
			answers[i-1].err = c.refine(k, itemError(k, r), token)
		}
	}
	return answers, nil
}

// worthRepeating is the failure of an item that another attempt may cure, nil if it is none.
func worthRepeating(err error) *Error {
	var e *Error
	if errors.As(err, &e) && (e.Kind == Throttled || e.Kind == Unavailable) {
		return e
	}
	return nil
}

// itemError is the failure of one item, read as if it had been a request of its own.
func itemError(k call, r batchResponse) *Error {
	header := make(http.Header, len(r.Headers))
	for name, value := range r.Headers {
		header.Set(name, value)
	}
	return answerError(k, &http.Response{StatusCode: r.Status, Header: header}, r.Body)
}
