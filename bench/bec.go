package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/workflows/bec"
)

const (
	becLatency = 100 * time.Millisecond
	becMemory  = 150 << 10 // KiB
	becTenant  = "brightwell.example"
	becUser    = "celia.hartmann@brightwell.example"
	becUserID  = "6525f947-59e0-441e-ae8a-a3ad17ca73b2"
)

// busy is how much more there is in the logs of the built-in story's victim.
type busy struct{ audits, traces, signIns int }

// investigation reads a mailbox as busy as they come, with no limits but the latency, and a smaller one under the
// limits that Microsoft publishes; the simulated cloud in a process of its own.
func investigation(ctx context.Context, bin, dir string) error {
	if err := becUnlimited(ctx, bin, filepath.Join(dir, "bec"), busy{200_000, 50_000, 20_000}); err != nil {
		return err
	}
	return becLimited(ctx, bin, filepath.Join(dir, "beclimits"), busy{20_000, 5_000, 10_000})
}

// becUnlimited holds the product's memory and its wall time against the longest chain of requests that waited for
// one another. The clock stands still, so that the product does not wait for the limits it keeps; the latency is real.
func becUnlimited(ctx context.Context, bin, home string, size busy) error {
	state, cfg, err := becHome(home, size)
	if err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, filepath.Join(home, "cloud"), "--state", state, "--clock", "2026-03-12T15:00:00Z,frozen", "--latency", becLatency.String())
	if err != nil {
		return err
	}
	defer stop()
	got, err := becRead(ctx, bin, cfg, client)
	if err != nil {
		return err
	}
	m, err := metrics(ctx, client)
	if err != nil {
		return err
	}
	chain, worked := 0, 0.0
	for t, d := range m.Depth {
		chain += d // the partner's tenant first, then the customer's
		worked += m.Chain[t]
	}
	bound := time.Duration(chain) * becLatency
	ratio := got.wall.Seconds() / bound.Seconds()
	fmt.Printf("BEC check, %d audit records, %d messages, %d sign-ins: peak RSS %.1f MiB (aim ≤ %d MiB: %s)\n",
		size.audits, size.traces, size.signIns, float64(got.peak)/1024, becMemory>>10, verdict(got.peak > 0 && got.peak <= becMemory))
	fmt.Printf("BEC check at %s: %s wall, start and judging included, %s of the processor's, in %d calls and %d requests; longest chain %d × %s = %s; %.2f× (aim ≤ 1.5×: %s); the cloud itself took %.1f s over the slowest chain: %.2f× (aim ≤ 1.5×: %s); verdict %s, not whole: %s\n",
		becLatency, got.wall.Round(time.Millisecond), got.cpu.Round(10*time.Millisecond), got.calls, m.Total, chain, becLatency, bound, ratio, verdict(ratio <= 1.5), worked, got.wall.Seconds()/worked, verdict(got.wall.Seconds() <= 1.5*worked), got.verdict, got.partly)
	return nil
}

// becLimited holds the time the case took on the cloud's clock against the least that the limits allow.
func becLimited(ctx context.Context, bin, home string, size busy) error {
	state, cfg, err := becHome(home, size)
	if err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, filepath.Join(home, "cloud"), "--state", state, "--limits")
	if err != nil {
		return err
	}
	defer stop()
	begun, err := cloudTime(ctx, client)
	if err != nil {
		return err
	}
	got, err := becRead(ctx, bin, cfg, client)
	if err != nil {
		return err
	}
	ended, err := cloudTime(ctx, client)
	if err != nil {
		return err
	}
	m, err := metrics(ctx, client)
	if err != nil {
		return err
	}
	least, of, refused := least(cloudMetrics{}, m)
	took := ended.Sub(begun)
	ratio := took.Seconds() / least.Seconds()
	fmt.Printf("BEC check under Microsoft's limits, %d audit records, %d messages, %d sign-ins: %s of the cloud's time in %d requests, %d turned away; the limits allow no less than %s (%s); %.2f× (aim ≤ 1.2×: %s); not whole: %s\n",
		size.audits, size.traces, size.signIns, took.Round(10*time.Millisecond), m.Total, refused, least, of, ratio, verdict(ratio <= 1.2), got.partly)
	return nil
}

// becHome makes the folder of one measurement: the cloud's state and the product's configuration.
func becHome(home string, size busy) (state, cfg string, err error) {
	state, cfg = filepath.Join(home, "state.json"), filepath.Join(home, "cipp-mcp.yaml")
	if err := os.MkdirAll(filepath.Join(home, "cloud"), 0o700); err != nil {
		return "", "", fmt.Errorf("bec: %w", err)
	}
	if err := os.WriteFile(cfg, []byte("version: 1\nstateDir: "+filepath.Join(home, "own")+"\nlog: {level: error}\n"), 0o600); err != nil {
		return "", "", fmt.Errorf("bec: %w", err)
	}
	f, err := os.Create(state) //nolint:gosec // below our own folder
	if err != nil {
		return "", "", fmt.Errorf("bec: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	return state, cfg, errors.Join(size.write(w), w.Flush(), f.Close())
}

// write writes the built-in story with the victim's logs grown, row by row.
func (b busy) write(w io.Writer) error {
	var state struct {
		Clock   json.RawMessage              `json:"clock"`
		Partner json.RawMessage              `json:"partner"`
		IPIntel json.RawMessage              `json:"ipIntel,omitempty"`
		Tenants []map[string]json.RawMessage `json:"tenants"`
	}
	if err := json.Unmarshal(builtin.State, &state); err != nil {
		return fmt.Errorf("bec: the built-in story: %w", err)
	}
	var like map[string]any
	for _, t := range state.Tenants {
		if string(t["defaultDomain"]) != `"`+becTenant+`"` {
			continue
		}
		for part, lists := range map[string][]string{"graph": {"signIns"}, "exchange": {"unifiedAuditLog", "messageTrace"}} {
			var o map[string]any
			if err := json.Unmarshal(t[part], &o); err != nil {
				return fmt.Errorf("bec: the built-in story: %w", err)
			}
			for _, name := range lists {
				rows, _ := o[name].([]any)
				if name == "signIns" {
					for _, r := range rows {
						if x, _ := r.(map[string]any); like == nil && x["userId"] == becUserID {
							like = x
						}
					}
				}
				o[name] = append(rows, "@"+name)
			}
			t[part], _ = json.Marshal(o)
		}
	}
	if like == nil {
		return errors.New("bec: the built-in story has no sign-in of " + becUser)
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("bec: %w", err)
	}
	rows := map[string]func() error{
		"signIns":         func() error { return writeRows(w, b.signIns, b.signIn(like)) },
		"unifiedAuditLog": func() error { return writeRows(w, b.audits, b.audit) },
		"messageTrace":    func() error { return writeRows(w, b.traces, b.trace) },
	}
	for len(text) > 0 {
		at, name := len(text), ""
		for n := range rows {
			if i := bytes.Index(text, []byte(`"@`+n+`"`)); i >= 0 && i < at {
				at, name = i, n
			}
		}
		if _, err := w.Write(text[:at]); err != nil {
			return fmt.Errorf("bec: %w", err)
		}
		if name == "" {
			return nil
		}
		if err := rows[name](); err != nil {
			return err
		}
		text = text[at+len(name)+3:]
	}
	return nil
}

func writeRows(w io.Writer, n int, row func(int) string) error {
	for i := range n {
		if i > 0 {
			if _, err := io.WriteString(w, ",\n"); err != nil {
				return fmt.Errorf("bec: %w", err)
			}
		}
		if _, err := io.WriteString(w, row(i)); err != nil {
			return fmt.Errorf("bec: %w", err)
		}
	}
	return nil
}

var becNow = time.Date(2026, 3, 12, 15, 0, 0, 0, time.UTC) // the story's

const becAddress = "198.51.100.24" // the office's

// audit is the nth record: mostly mail read, some sign-ins, files, and mail sent.
func (b busy) audit(n int) string {
	at := becNow.Add(-time.Hour - time.Duration(n)*(150*24*time.Hour/time.Duration(b.audits)))
	id := fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n)
	op, kind, number, service, more := "MailItemsAccessed", "ExchangeItemAggregated", 50, "Exchange", ""
	switch n % 10 {
	case 0:
		op, kind, number, service = "UserLoggedIn", "AzureActiveDirectoryStsLogon", 15, "AzureActiveDirectory"
		more = `"ClientIP":"` + becAddress + `","ExtendedProperties":[{"Name":"UserAgent","Value":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}]`
	case 1:
		op, kind, number, service = "FileAccessed", "SharePointFileOperation", 6, "SharePoint"
		more = fmt.Sprintf(`"ClientIP":"%s","ObjectId":"https://brightwell.example/sites/a/file%d.docx","SiteUrl":"https://brightwell.example/sites/a","SourceFileName":"file%d.docx"`, becAddress, n%3000, n%3000)
	case 2:
		op, kind, number = "Send", "ExchangeItem", 2
		more = fmt.Sprintf(`"ClientIPAddress":"%s","MailboxOwnerUPN":"%s","Item":{"Subject":"Weekly report %d","InternetMessageId":"<%d@brightwell.example>"}`, becAddress, becUser, n%50, n)
	default:
		var items []string
		for i := range 6 {
			items = append(items, fmt.Sprintf(`{"InternetMessageId":"<%08d.%d@supplier.example>","Subject":"Invoice 20418 Timber Direct","SizeInBytes":48211}`, n, i))
		}
		more = fmt.Sprintf(`"ClientIPAddress":"%s","ClientInfoString":"Client=OWA;Action=ViaProxy","MailboxOwnerUPN":"%s","OperationProperties":[{"Name":"MailAccessType","Value":"Bind"},{"Name":"IsThrottled","Value":"False"}],"Folders":[{"Path":"\\Inbox","FolderItems":[%s]}]`,
			becAddress, becUser, strings.Join(items, ","))
	}
	return fmt.Sprintf(`{"RecordType":%q,"CreationDate":%q,"UserIds":%q,"Operations":%q,"Identity":%q,"AuditData":{"CreationTime":%q,"Id":%q,"Operation":%q,"OrganizationId":"ffa996a1-8974-418d-9ca8-f86f5b24b05d","RecordType":%d,"ResultStatus":"Succeeded","UserKey":%q,"UserType":0,"Version":1,"Workload":%q,"UserId":%q,"SessionId":"00000000-0000-4000-8000-%012d",%s}}`,
		kind, at.Format(time.RFC3339), becUser, op, id, at.Format("2006-01-02T15:04:05"), id, op, number, becUser, service, becUser, n/400, more)
}

func (b busy) trace(n int) string {
	from, to := becUser, fmt.Sprintf("r%d@customer%d.example", n%977, n%90)
	if n%2 == 1 {
		from, to = to, from
	}
	return fmt.Sprintf(`{"MessageTraceId":"bbbbbbbb-0000-4000-8000-%012d","MessageId":"<%d@brightwell.example>","Received":%q,"SenderAddress":%q,"RecipientAddress":%q,"Subject":"Weekly report %d","Status":"Delivered","FromIP":%q,"ToIP":"192.0.2.25","Size":20000}`,
		n, n, becNow.Add(-time.Hour-time.Duration(n)*(89*24*time.Hour/time.Duration(b.traces))).Format(time.RFC3339), from, to, n%50, becAddress)
}

func (b busy) signIn(like map[string]any) func(int) string {
	return func(n int) string {
		like["id"], like["correlationId"] = fmt.Sprintf("cccccccc-0000-4000-8000-%012d", n), fmt.Sprintf("cccccccc-0001-4000-8000-%012d", n)
		like["createdDateTime"] = becNow.Add(-time.Hour - time.Duration(n)*(29*24*time.Hour/time.Duration(b.signIns))).Format(time.RFC3339)
		like["signInEventTypes"], like["isInteractive"] = []any{"nonInteractiveUser"}, false
		row, _ := json.Marshal(like) // of a state file
		return string(row)
	}
}

type becRun struct {
	wall, cpu       time.Duration
	peak, calls     int
	verdict, partly string
}

// becRead asks the product, a process of its own, until the case's reading is over.
func becRead(ctx context.Context, bin, cfg, client string) (got becRun, err error) {
	c := exec.CommandContext(ctx, bin, "--config", cfg, "serve", "--cloud", client)
	var said bytes.Buffer
	c.Stderr = &said
	in, err := c.StdinPipe()
	if err != nil {
		return got, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return got, err
	}
	begun := time.Now()
	if err := c.Start(); err != nil {
		return got, err
	}
	defer func() {
		got.peak = peakRSS(c.Process.Pid)
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		if werr := c.Wait(); err == nil && werr != nil {
			err = fmt.Errorf("bec: %w\n%s", werr, said.Bytes())
		}
		got.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}()
	answers := bufio.NewReaderSize(out, 1<<20)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	for {
		got.calls++
		fmt.Fprintf(in, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"cipp_bec_check","arguments":{"tenantFilter":%q,"userId":%q}}}`+"\n", got.calls, becTenant, becUser)
		r, err := becAnswer(answers, got.calls)
		if err != nil {
			return got, fmt.Errorf("bec: %w\n%s", err, said.Bytes())
		}
		if r.Status == bec.Collecting {
			continue
		}
		got.wall, got.verdict = time.Since(begun), string(r.Verdict)
		got.partly = becPartly(r)
		return got, nil
	}
}

// becPartly are the sources that should have been read as a whole and were not.
func becPartly(r bec.Result) string {
	var out []string
	for _, c := range r.Coverage {
		if c.Status == bec.ReadPartly || c.Status == bec.Unavailable && c.Reason != bec.NoAPI {
			out = append(out, c.Source+" "+string(c.Reason))
		}
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

// becAnswer is the answer to the call with that id; what comes between is passed over.
func becAnswer(r *bufio.Reader, id int) (bec.Result, error) {
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return bec.Result{}, fmt.Errorf("the server did not answer: %w", err)
		}
		var m struct {
			ID     *int            `json:"id"`
			Error  json.RawMessage `json:"error"`
			Result struct {
				IsError bool            `json:"isError"`
				Content json.RawMessage `json:"content"`
				Out     bec.Result      `json:"structuredContent"`
			} `json:"result"`
		}
		if json.Unmarshal(line, &m) != nil || m.ID == nil || *m.ID != id {
			continue
		}
		if m.Error != nil || m.Result.IsError {
			return bec.Result{}, fmt.Errorf("the server refused: %s%s", m.Error, m.Result.Content)
		}
		return m.Result.Out, nil
	}
}
