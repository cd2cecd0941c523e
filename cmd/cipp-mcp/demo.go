package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/spf13/cobra"

	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/secrets"
	"cipp-mcp/sandbox"
)

// The people of the built-in story whom the demo is about.
const (
	demoVictimTenant = "brightwell.example"
	demoVictim       = "celia.hartmann@brightwell.example"
	demoLeaverTenant = "harbourline.example"
	demoLeaver       = "dana.whitfield@harbourline.example"
	demoManager      = "oluwaseun.adeyemi@harbourline.example"
	demoPassphrase   = "a passphrase for the demo only"
)

func demoCommand(_ *globals) *cobra.Command {
	var record string
	var interactive bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "See the main job from end to end on the built-in sandbox",
		Long: `Starts a simulated Microsoft cloud, points this program's own server at it over stdio, and does
what an agent would do for a managed service provider: MFA report over all customers, investigation and
containment of a compromised account, offboarding of a leaver. At the end it compares the cloud's state
before and after.`,
		Example: "  cipp-mcp demo\n  cipp-mcp demo --interactive",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &demo{out: cmd.OutOrStdout(), in: bufio.NewReader(cmd.InOrStdin()), interactive: interactive, began: time.Now()}
			return d.run(cmd.Context(), record)
		},
	}
	c.Flags().StringVar(&record, "record", "", "write every exchange with the simulated cloud to this file")
	c.Flags().BoolVar(&interactive, "interactive", false, "answer the approvals yourself")
	return c
}

type demo struct {
	out         io.Writer
	in          *bufio.Reader
	interactive bool
	began       time.Time
	client      *client.Client
	caseID      string // of the last investigation
	cloud       *sandbox.Server
}

func (d *demo) say(format string, a ...any) { fmt.Fprintf(d.out, format+"\n", a...) }

func (d *demo) chapter(title string) {
	d.say("\n\x1b[1m━━ %s\x1b[0m  (%.1f s)", title, time.Since(d.began).Seconds())
}

func (d *demo) run(ctx context.Context, record string) (err error) {
	dir, err := os.MkdirTemp("", "cipp-mcp-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	d.chapter("A simulated Microsoft cloud")
	o := sandbox.Options{OutDir: dir, Control: true}
	if record != "" {
		w, err := os.OpenFile(record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the operator's file
		if err != nil {
			return fmt.Errorf("record: %w", err)
		}
		defer func() { _ = w.Close() }()
		o.Record = w
	}
	s, err := sandbox.Start(ctx, o)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { _ = s.Close() }()
	d.cloud = s
	d.say("It answers on %s; nothing here reaches the real Microsoft.", s.URL())
	before, err := s.State()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := d.connect(ctx, dir); err != nil {
		return err
	}
	defer func() { _ = d.client.Close() }()
	if err := d.story(ctx); err != nil {
		return err
	}
	after, err := s.State()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.chapter("Proof: what changed in the cloud, and nothing else")
	if err := d.prove(before, after); err != nil {
		return err
	}
	if u := s.Unknown(); len(u) > 0 {
		return fmt.Errorf("demo: the sandbox did not know %s", strings.Join(u, ", "))
	}
	d.say("\nDone in %.1f s.", time.Since(d.began).Seconds())
	return nil
}

// connect starts this program's own server as a child and speaks MCP with it, as an assistant would.
func (d *demo) connect(ctx context.Context, dir string) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	cfgFile, state := filepath.Join(dir, "cipp-mcp.yaml"), filepath.Join(dir, "state")
	if err := os.WriteFile(cfgFile, []byte("version: 1\naccess: write\n"), 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	cloud := filepath.Join(dir, "client.json")
	stateDir, err := (config.Config{Cloud: cloud, StateDir: state}).StatePath()
	if err != nil {
		return err
	}
	if err := config.OpenStateDir(stateDir); err != nil {
		return err
	}
	store, err := secrets.Open(stateDir, clock.System{})
	if err != nil {
		return err
	}
	store.WorkFactor = 12 // the demo's key lives for seconds
	if err := store.SetOperator(demoPassphrase); err != nil {
		return err
	}
	t := transport.NewStdioWithOptions(exe, []string{"CIPP_STATE_DIR=" + state}, []string{"--config", cfgFile, "--log-level", "error", "serve", "--cloud", cloud},
		transport.WithCommandFunc(func(ctx context.Context, command string, env, args []string) (*exec.Cmd, error) {
			c := exec.CommandContext(ctx, command, args...)
			c.Env = append(os.Environ(), env...)
			c.Stderr = os.Stderr
			return c, nil
		}))
	d.client = client.NewClient(t, client.WithElicitationHandler(d))
	if err := d.client.Start(ctx); err != nil {
		return fmt.Errorf("demo: start the server: %w", err)
	}
	init := mcp.InitializeRequest{}
	init.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	init.Params.ClientInfo = mcp.Implementation{Name: "cipp-mcp demo", Version: version}
	if _, err := d.client.Initialize(ctx, init); err != nil {
		return fmt.Errorf("demo: speak with the server: %w", err)
	}
	list, err := d.client.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return fmt.Errorf("demo: list the tools: %w", err)
	}
	d.say("The server runs as a child process (serve --cloud client.json) and offers %d tools over stdio.", len(list.Tools))
	return nil
}

func (d *demo) story(ctx context.Context) error {
	victim := map[string]any{"tenantFilter": demoVictimTenant, "userId": demoVictim}
	leaver := map[string]any{
		"tenantFilter": demoLeaverTenant, "userId": demoLeaver, "convertToShared": true, "removeLicenses": true, "removeFromGroups": true,
		"forwardingAddress": demoManager, "outOfOfficeMessage": "Dana has left. Please write to Oluwaseun Adeyemi.", "ticket": "DEMO-2",
	}
	for _, c := range []struct {
		title, tool string
		args        map[string]any
	}{
		{"Which customers are there?", "cipp_list_tenants", map[string]any{"includeUnhealthy": true}},
		{"Who has no MFA, over all customers?", "cipp_list_mfa_users", map[string]any{"tenantFilter": "allTenants", "report": "noMfa", "limit": 12}},
		{"Celia in accounting may be compromised: investigate first", "cipp_bec_check", victim},
		{"Celia: what would contain it?", "cipp_bec_check", and(victim, "section", "plan")},
		{"Contain: what is the attacker's, by its id, and a password that no model sees", "cipp_bec_remediate", and(victim, "ticket", "DEMO-1")},
		{"Dana leaves: look before", "cipp_list_user_groups", map[string]any{"tenantFilter": demoLeaverTenant, "userId": demoLeaver}},
		{"Dana leaves: the plan", "cipp_offboard_user", and(leaver, "dryRun", true)},
	} {
		d.chapter(c.title)
		if c.tool == "cipp_bec_remediate" {
			c.args["caseId"] = d.caseID
		}
		if err := d.call(ctx, c.tool, c.args); err != nil {
			return err
		}
	}
	d.chapter("Dana leaves: do it")
	d.say("Exchange takes minutes to convert a mailbox, and the server waits until it is seen to be shared. The simulated clock runs faster meanwhile.")
	stop := d.timeLapse(ctx)
	defer stop()
	return d.call(ctx, "cipp_offboard_user", leaver)
}

// timeLapse lets the simulated cloud's clock run two hundred times as fast, until stop.
func (d *demo) timeLapse(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				d.cloud.Advance(20 * time.Second)
			}
		}
	}()
	return func() { cancel(); <-ended }
}

func and(m map[string]any, pairs ...any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

func (d *demo) call(ctx context.Context, tool string, args map[string]any) error {
	r := mcp.CallToolRequest{}
	r.Params.Name, r.Params.Arguments = tool, args
	shown := make([]string, 0, len(args))
	for _, k := range sortedKeys(args) {
		shown = append(shown, fmt.Sprintf("%s=%v", k, args[k]))
	}
	d.say("\x1b[36m→ %s\x1b[0m %s", tool, strings.Join(shown, " "))
	res, err := d.client.CallTool(ctx, r)
	if err != nil {
		return fmt.Errorf("demo: %s: %w", tool, err)
	}
	text := ""
	for _, c := range res.Content {
		if t, ok := mcp.AsTextContent(c); ok {
			text += t.Text
		}
	}
	for _, line := range strings.Split(text, "\n") {
		d.say("  %s", shorten(line, 200))
	}
	if res.IsError {
		return fmt.Errorf("demo: %s failed", tool)
	}
	if v, ok := res.StructuredContent.(map[string]any); ok {
		if id, ok := v["caseId"].(string); ok {
			d.caseID = id
		}
	}
	if strings.HasPrefix(text, "attention") || strings.HasPrefix(text, "failed") || strings.HasPrefix(text, "blocked") || strings.HasPrefix(text, "declined") {
		return fmt.Errorf("demo: %s did not end done", tool)
	}
	return nil
}

// Elicit is the person at the client: the plan is shown, the answer is seen. What only the user can tell is left open:
// nobody here has her on the telephone.
func (d *demo) Elicit(_ context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	if !asksForApproval(r) {
		d.say("  \x1b[33m┌ The server asks what only the user can tell\x1b[0m")
		d.say("  \x1b[33m│\x1b[0m %s", shorten(r.Params.Message, 180))
		d.say("  \x1b[33m└ left open by the demo's technician\x1b[0m")
		return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionDecline}}, nil
	}
	d.say("  \x1b[33m┌ The server asks for approval\x1b[0m")
	for _, line := range strings.Split(r.Params.Message, "\n") {
		d.say("  \x1b[33m│\x1b[0m %s", shorten(line, 180))
	}
	yes := true
	if d.interactive {
		fmt.Fprint(d.out, "  \x1b[33m└ approve? type yes:\x1b[0m ")
		line, err := d.in.ReadString('\n')
		yes = err == nil && strings.EqualFold(strings.TrimSpace(line), "yes")
	} else {
		d.say("  \x1b[33m└ approve? type yes:\x1b[0m yes   (answered by the demo's own technician)")
	}
	if !yes {
		return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionDecline}}, nil
	}
	return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionAccept, Content: map[string]any{"approve": true}}}, nil
}

// asksForApproval tells a plan's form from one with questions.
func asksForApproval(r mcp.ElicitationRequest) bool {
	schema, _ := r.Params.RequestedSchema.(map[string]any)
	fields, _ := schema["properties"].(map[string]any)
	_, ok := fields["approve"]
	return ok
}

func shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}
