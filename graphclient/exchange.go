package graphclient

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sync/errgroup"
)

// systemMailbox routes cmdlets that concern no single mailbox.
const systemMailbox = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@"

// Page size asked of Exchange, size of a batch and how many batches travel at once. The tenant's budget of
// concurrent requests stands above the latter.
const (
	exchangePage  = "odata.maxpagesize=1000"
	exchangeBatch = 10
)

// cmdlet is one call of an Exchange Online cmdlet.
type cmdlet struct {
	name       string
	params     map[string]any
	anchor     string   // UPN of the mailbox concerned; "" for the system mailbox
	properties []string // the columns wanted; none means all
	mailbox    bool     // concerns a user's mailbox: not found means there is none
	rate       budget   // a limit of this cmdlet's own, beside how many may run at once
}

// cmdletInput is the body of an InvokeCommand request.
type cmdletInput struct {
	CmdletInput struct {
		CmdletName string         `json:"CmdletName"`
		Parameters map[string]any `json:"Parameters"`
	} `json:"CmdletInput"`
}

func (m cmdlet) input() cmdletInput {
	var in cmdletInput
	in.CmdletInput.CmdletName = m.name
	in.CmdletInput.Parameters = m.params
	if m.params == nil {
		in.CmdletInput.Parameters = map[string]any{}
	}
	return in
}

// reads reports whether the cmdlet changes nothing. Exchange's verbs say so.
func (m cmdlet) reads() bool {
	return strings.HasPrefix(m.name, "Get-") || strings.HasPrefix(m.name, "Search-")
}

func (m cmdlet) call(ctx context.Context, tid string) call {
	return call{service: exchangeService, tenant: tid, write: !m.reads(), mailbox: m.mailbox,
		repeatable: isRepeatable(ctx) && !strings.HasPrefix(m.name, "Add-") && !strings.HasPrefix(m.name, "New-"),
		deletes:    strings.HasPrefix(m.name, "Remove-"), budget: exchangeBudget, rate: m.rate}
}

// invokeURL is the address of the cmdlet endpoint. It wants the tenant's id, not a domain.
func (c *Client) invokeURL(tid string) string {
	return c.cfg.Cloud.Exchange + "/adminapi/beta/" + EscapeSegment(tid) + "/InvokeCommand"
}

// rows runs a cmdlet and decodes every row of its output, page after page: the same body is sent again to each
// nextLink.
//
// Reference: https://learn.microsoft.com/exchange/reference/admin-api-overview; the endpoint is the one
// Microsoft's own PowerShell module uses.
func rows[T any](ctx context.Context, c *Client, tid string, m cmdlet) ([]T, error) {
	var out []T
	for some, err := range rowPages[T](ctx, c, tid, m) {
		if err != nil {
			return out, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// rowPages is rows, a page at a time, for output that is too long to be held as a whole.
func rowPages[T any](ctx context.Context, c *Client, tid string, m cmdlet) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		err := require(tid)
		if err == nil {
			err = c.permit(ctx, tid)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		address := c.invokeURL(tid)
		if len(m.properties) > 0 {
			address += "?$select=" + url.QueryEscape(strings.Join(m.properties, ","))
		}
		k := m.call(ctx, tid)
		for address != "" {
			var p page[T]
			err := c.repeat(ctx, k, func(ctx context.Context) error {
				p = page[T]{}
				return c.invoke(ctx, k, m, address, &p)
			})
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(p.Value, nil) {
				return
			}
			address = p.Next
		}
	}
}

// run runs a cmdlet whose output does not matter.
func (c *Client) run(ctx context.Context, tid string, m cmdlet) error {
	_, err := rows[json.RawMessage](ctx, c, tid, m)
	return err
}

// one is the single row of a cmdlet's output. Several mean that the identity fits more than one object.
func one[T any](ctx context.Context, c *Client, tid string, m cmdlet) (T, error) {
	var zero T
	found, err := rows[T](ctx, c, tid, m)
	if err != nil {
		return zero, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		e := &Error{Kind: NotFound, Service: string(exchangeService), Tenant: tid, Message: "Exchange Online shows nothing for this identity."}
		if m.mailbox {
			e.Kind, e.Message = NoMailbox, "The user has no Exchange Online mailbox."
		}
		return zero, e
	}
	return zero, &Error{Kind: UserAmbiguous, Service: string(exchangeService), Tenant: tid,
		Message: "The name fits several mailboxes. Name one by its user principal name or id."}
}

// invoke sends one InvokeCommand request and decodes its answer.
func (c *Client) invoke(ctx context.Context, k call, m cmdlet, address string, into any) error {
	body, err := json.Marshal(m.input())
	if err != nil {
		return unbuilt(k, err)
	}
	return c.postExchange(ctx, k, address, body, m.name, c.anchor(k.tenant, m), into)
}

// postExchange sends a POST to the Exchange endpoint, be it one cmdlet or a batch of them.
func (c *Client) postExchange(ctx context.Context, k call, address string, body []byte, name, anchor string, into any) error {
	req, err := http.NewRequestWithContext(withCall(ctx, k), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return unbuilt(k, err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Prefer", exchangePage)
	req.Header.Set("X-AnchorMailbox", anchor)
	if name != "" {
		req.Header.Set("X-CmdletName", name)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return asError(k, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusNoContent || res.ContentLength == 0 {
		return nil
	}
	answer := make([]byte, res.ContentLength) // outcome has read it already
	_, err = io.ReadFull(res.Body, answer)
	if err == nil {
		if lean, ok := into.(interface{ readPage([]byte) error }); ok {
			err = lean.readPage(answer)
		} else {
			err = json.Unmarshal(answer, into)
		}
	}
	if err != nil {
		return unreadable(k, err)
	}
	return nil
}

func (c *Client) anchor(tid string, m cmdlet) string {
	if m.anchor != "" {
		return m.anchor
	}
	return systemMailbox + tid
}

// cmdletAnswer is the outcome of one cmdlet of a batch.
type cmdletAnswer struct {
	rows []json.RawMessage
	err  error
}

// each runs many reading cmdlets, ten to a batch. The answers are in the order of the cmdlets. What is cut
// short by paging within a batch is read on by itself.
func (c *Client) each(ctx context.Context, tid string, cmdlets []cmdlet) ([]cmdletAnswer, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	if err := c.permit(ctx, tid); err != nil {
		return nil, err
	}
	out := make([]cmdletAnswer, len(cmdlets))
	var g errgroup.Group
	g.SetLimit(exchangeAtOnce)
	for start := 0; start < len(cmdlets); start += exchangeBatch {
		chunk := cmdlets[start:min(start+exchangeBatch, len(cmdlets))]
		g.Go(func() error { return c.eachOf(ctx, tid, chunk, out[start:start+len(chunk)]) })
	}
	return out, g.Wait()
}
