package graphclient

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
)

// exchangeItem is one cmdlet within a batch. Unlike Graph's, the URL is absolute and the headers are repeated.
type exchangeItem struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    cmdletInput       `json:"body"`
}

// eachOf runs one batch until no cmdlet is left that is worth sending again.
func (c *Client) eachOf(ctx context.Context, tid string, cmdlets []cmdlet, out []cmdletAnswer) error {
	k := call{service: exchangeService, tenant: tid, budget: exchangeBudget}
	left := make([]int, len(cmdlets))
	for i := range left {
		left[i] = i
	}
	answered := 0
	err := c.repeat(ctx, k, func(ctx context.Context) error {
		var worst *Error
		var failed []int
		if err := c.postCmdlets(ctx, k, cmdlets, left, out); err != nil {
			return err
		}
		answered = len(cmdlets)
		for _, i := range left {
			if e := worthRepeating(out[i].err); e != nil {
				failed = append(failed, i)
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
	if answered == len(cmdlets) {
		return nil // each cmdlet tells its own outcome
	}
	return err
}

// postCmdlets sends the cmdlets with the given indices as one batch and files their answers.
func (c *Client) postCmdlets(ctx context.Context, k call, cmdlets []cmdlet, indices []int, out []cmdletAnswer) error {
	request := struct {
		Requests []exchangeItem `json:"requests"`
	}{}
	for _, i := range indices {
		request.Requests = append(request.Requests, exchangeItem{
			ID: strconv.Itoa(i), Method: http.MethodPost, URL: c.invokeURL(k.tenant), Body: cmdlets[i].input(),
			Headers: map[string]string{"X-CmdletName": cmdlets[i].name, "X-AnchorMailbox": c.anchor(k.tenant, cmdlets[i]),
				"Content-Type": "application/json", "Accept": "application/json; odata.metadata=minimal", "Prefer": exchangePage}})
		out[i].err = &Error{Kind: Unavailable, Service: string(exchangeService), Tenant: k.tenant,
			Message: "Exchange Online left this cmdlet of a batch unanswered."}
	}
	body, err := json.Marshal(request)
	if err != nil {
		return unbuilt(k, err)
	}
	var got struct {
		Responses []batchResponse `json:"responses"`
	}
	address := c.cfg.Cloud.Exchange + "/adminapi/beta/" + EscapeSegment(k.tenant) + "/$batch"
	if err := c.postExchange(ctx, k, address, body, "", systemMailbox+k.tenant, &got); err != nil {
		return err
	}
	for _, r := range got.Responses {
		i, err := strconv.Atoi(r.ID)
		if err != nil || i < 0 || i >= len(cmdlets) {
			continue
		}
		item := k
		item.mailbox = cmdlets[i].mailbox
		out[i] = c.cmdletAnswer(ctx, item, cmdlets[i], r)
	}
	return nil
}

func (c *Client) cmdletAnswer(ctx context.Context, k call, m cmdlet, r batchResponse) cmdletAnswer {
	if r.Status < 200 || r.Status >= 300 {
		return cmdletAnswer{err: itemError(k, r)}
	}
	var p page[json.RawMessage]
	if len(r.Body) > 0 {
		if err := json.Unmarshal(r.Body, &p); err != nil {
			return cmdletAnswer{err: unreadable(k, err)}
		}
	}
	found := p.Value
	for p.Next != "" { // rare: more than a thousand permissions on one mailbox
		next := p.Next
		p = page[json.RawMessage]{}
		if err := c.invoke(ctx, k, m, next, &p); err != nil {
			return cmdletAnswer{found, err}
		}
		found = append(found, p.Value...)
	}
	return cmdletAnswer{rows: found}
}

// decodeRows decodes the rows of one answer.
func decodeRows[T any](k call, a cmdletAnswer) ([]T, error) {
	if a.err != nil {
		return nil, a.err
	}
	out := make([]T, len(a.rows))
	for i, raw := range a.rows {
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return nil, unreadable(k, err)
		}
	}
	return out, nil
}
