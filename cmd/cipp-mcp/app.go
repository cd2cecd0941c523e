package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/clock"
	"cipp-mcp/internal/config"
	"cipp-mcp/internal/exports"
	"cipp-mcp/internal/mcpserver"
	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
	"cipp-mcp/sandbox"
	"cipp-mcp/tools"
)

// globals are the flags every subcommand has.
type globals struct {
	configFile string
	logLevel   string
}

func (g *globals) load() (config.Config, error) {
	cfg, err := config.Load(g.configFile, os.LookupEnv)
	if g.logLevel != "" {
		cfg.Log.Level = g.logLevel
	}
	return cfg, err
}

// cloudFlags choose the cloud for one run of the program.
type cloudFlags struct {
	cloud   string
	sandbox string
	record  string
	faults  string
	clock   string
	control string
	access  string
	tools   config.Tools
	prompt  func(graphclient.DeviceSignIn) // nil: what a person has to do to sign in goes to standard error
}

// builtinSandbox is the value of a bare --sandbox.
const builtinSandbox = "builtin"

func (f *cloudFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.cloud, "cloud", "", "public, usgov, dod, china, sandbox, or the path of a client.json")
	c.Flags().StringVar(&f.sandbox, "sandbox", "", "work on the sandbox inside this program; --sandbox=FILE.json loads that state")
	c.Flags().Lookup("sandbox").NoOptDefVal = builtinSandbox
	c.Flags().StringVar(&f.record, "record", "", "with --sandbox: write every exchange to this file")
	c.Flags().StringVar(&f.faults, "faults", "", "with --sandbox: faults file")
	c.Flags().StringVar(&f.clock, "clock", "", "with --sandbox: start time, and \",frozen\" to stand still")
	c.Flags().StringVar(&f.control, "control", "", "with --sandbox: listen on this loopback address and answer /_sandbox/ there")
	c.Flags().StringVar(&f.access, "access", "", "read-only or write; overrides the configuration")
}

// app is the product put together: one for serve, call and the rest.
type app struct {
	cfg     config.Config
	env     *tools.Env
	invoker *mcpserver.Invoker
	log     *zap.Logger
	sandbox *sandbox.Server // nil unless it runs inside this process
	pusher  cloudPusher
	leave   context.CancelFunc // says that this process is about to end
	closers []func()
}

func (a *app) close() {
	if a.leave != nil {
		a.leave()
	}
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
}

// open puts the product together. It makes no network call; only an embedded sandbox starts listening.
func open(ctx context.Context, g *globals, f cloudFlags) (_ *app, err error) {
	cfg, err := g.load()
	if err != nil {
		return nil, err
	}
	if f.access != "" {
		cfg.Access = f.access
	}
	if f.cloud != "" {
		cfg.Cloud = f.cloud
	}
	if f.sandbox != "" {
		cfg.Cloud = "sandbox"
	}
	f.chooseTools(&cfg.Tools)
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	a := &app{cfg: cfg, log: newLogger(cfg.Log.Level)}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	redactor := &secrets.Redactor{}
	gc, clk, err := a.cloud(ctx, f, redactor)
	if err != nil {
		return nil, err
	}
	gc.Log = a.log
	client, err := graphclient.New(gc)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, client.Close)
	return a, a.assemble(ctx, client, clk, redactor)
}

// assemble opens the state directory and puts policy, secrets and tools around a client.
func (a *app) assemble(ctx context.Context, client *graphclient.Client, clk clock.Clock, redactor *secrets.Redactor) error {
	if err := knownTools(a.cfg.Tools); err != nil {
		return err
	}
	if err := secrets.CheckApprovers(a.cfg.Approval.Approvers); err != nil {
		return err
	}
	dir, err := a.cfg.StatePath()
	if err != nil {
		return err
	}
	if err := config.OpenStateDir(dir); err != nil {
		return err
	}
	ledger, caseDir, err := a.ledger(ctx, dir, clk)
	if err != nil {
		return err
	}
	sealer, err := policy.OpenSealerAt(dir, a.cfg.SealKey, !a.cfg.Sandboxed())
	if err != nil {
		return err
	}
	ledger.Box = sealer
	plans, err := policy.OpenPlans(dir, sealer, clk)
	if err != nil {
		return err
	}
	store, err := secrets.Open(dir, clk)
	if err != nil {
		return err
	}
	engine := &policy.Engine{Config: a.cfg, Graph: client, Plans: plans, Sealer: sealer, Ledger: ledger, Clock: clk, Embedded: a.cfg.Cloud == "sandbox"}
	engine.Signatures, engine.Requester = &secrets.Signers{Store: store, Approvers: a.cfg.Approval.Approvers}, username()
	engine.Explain = func(err error) string { return redactor.Clean(tools.Explain(err)) }
	if store.Generate = generate; store.Generate == nil {
		store.Generate = secrets.Rules{Length: a.cfg.Passwords.Length, Symbols: a.cfg.Passwords.Symbols}.Generate
	}
	sink, err := a.sink(store, redactor)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, sink.Close)
	cases, err := a.cases(caseDir)
	if err != nil {
		return err
	}
	a.env = &tools.Env{Graph: client, Policy: engine, Secrets: store, Sink: sink, Redactor: redactor, Clock: clk, Cases: cases, Exports: &exports.Store{Dir: filepath.Join(dir, "exports"), Sealer: sealer, Clock: clk}}
	a.invoker = mcpserver.NewInvoker(a.env, engine, a.log, func(t tools.Tool) string { return off(a.cfg.Tools, t) })
	return a.run(ctx)
}

// knownTools refuses a misspelt name: a tool meant to be removed would silently stay.
func knownTools(c config.Tools) error {
	named := slices.Concat(c.Only, c.Remove, c.Add)
	var all []string
	for _, t := range tools.All() {
		all = append(all, t.Name)
	}
	for _, n := range named {
		if !slices.Contains(all, n) {
			return fmt.Errorf("tools names %q, and there is no such tool; did you mean %s?", n, config.Nearest(n, all))
		}
	}
	sets := tools.Toolsets()
	for _, n := range c.Toolsets {
		if !slices.Contains(sets, n) {
			return fmt.Errorf("tools.toolsets names %q, and there is no such toolset; did you mean %s?", n, config.Nearest(n, sets))
		}
	}
	return nil
}

// off says why the operator switched a tool off, "" when it is on.
func off(c config.Tools, t tools.Tool) string {
	switch {
	case slices.Contains(c.Remove, t.Name):
		return "the operator removed it (tools.remove in cipp-mcp.yaml)"
	case slices.Contains(c.Only, t.Name):
		return ""
	case len(c.Only) > 0:
		return "the operator chose other tools (tools.only in cipp-mcp.yaml)"
	case t.In(c.Preset) || c.Discovery && c.Preset == "default" || slices.Contains(c.Add, t.Name) || slices.Contains(c.Toolsets, t.Toolset):
		return ""
	default:
		return "it is not in the preset " + c.Preset + "; the operator adds it with tools.add in cipp-mcp.yaml, or its toolset " + t.Toolset + " with tools.toolsets"
	}
}

// cloud says where Microsoft is for this run, and what time it is there.
func (a *app) cloud(ctx context.Context, f cloudFlags, redactor *secrets.Redactor) (graphclient.Config, clock.Clock, error) {
	gc := graphclient.Config{Allow: a.cfg.Tenants.Allow, Deny: a.cfg.Tenants.Deny, UserAgent: mcpserver.Name + "/" + version}
	clouds := map[string]graphclient.Cloud{"public": graphclient.Public, "usgov": graphclient.USGov, "dod": graphclient.DoD, "china": graphclient.China}
	switch {
	case a.cfg.Cloud == "sandbox":
		return a.embedded(ctx, f, gc)
	case strings.HasSuffix(a.cfg.Cloud, ".json"):
		file, err := config.ReadCloudFile(a.cfg.Cloud)
		if err != nil {
			return gc, nil, err
		}
		return a.described(f, file, gc, redactor)
	}
	c, ok := clouds[a.cfg.Cloud]
	if !ok {
		return gc, nil, fmt.Errorf("cloud is %q; it must be public, usgov, dod, china, sandbox, or the path of a client.json", a.cfg.Cloud)
	}
	gc.Cloud, gc.Clock = c, clock.System{}
	auth, err := a.auth(f, redactor)
	gc.Auth = auth
	return gc, gc.Clock, err
}

// auth reads the operator's credential from where the configuration points.
func (a *app) auth(f cloudFlags, redactor *secrets.Redactor) (graphclient.Auth, error) {
	c := a.cfg.Auth
	if c.Mode == config.ModeUser {
		if c.TenantID == "" || c.ClientID == "" && c.SignIn == config.SignInDeviceCode {
			return graphclient.Auth{}, errors.New("auth.tenantId (and auth.clientId, for auth.signIn: deviceCode) is not configured; run cipp-mcp init --mode user")
		}
		return f.asUser(c.SignIn, c.TenantID, c.ClientID), nil
	}
	if c.TenantID == "" || c.ClientID == "" {
		return graphclient.Auth{}, errors.New("auth.tenantId and auth.clientId are not configured; run cipp-mcp init, or try cipp-mcp serve --sandbox")
	}
	secret, err := config.Resolve(c.ClientSecret)
	if err != nil {
		return graphclient.Auth{}, err
	}
	cert, err := config.Resolve(c.Certificate)
	if err != nil {
		return graphclient.Auth{}, err
	}
	refresh, err := config.Resolve(c.RefreshToken)
	if err != nil {
		return graphclient.Auth{}, err
	}
	redactor.Add(secret)
	redactor.Add(refresh)
	out := graphclient.Auth{Mode: graphclient.Mode(c.Mode), TenantID: c.TenantID, ClientID: c.ClientID, ClientSecret: secret, CertificatePEM: []byte(cert), RefreshToken: refresh}
	if strings.HasPrefix(c.RefreshToken, "keyring:") {
		out.SaveRefreshToken = func(token string) error {
			redactor.Add(token)
			return config.Store(c.RefreshToken, token)
		}
	}
	return out, nil
}

// asUser has a person sign in. What the person has to do is written to standard error, which no client hands to a
// model as a result.
func (f cloudFlags) asUser(way, tenant, client string) graphclient.Auth {
	prompt := f.prompt
	if prompt == nil {
		prompt = func(d graphclient.DeviceSignIn) { fmt.Fprintf(os.Stderr, "\n%s\n\n", d.Message) }
	}
	return graphclient.Auth{Mode: graphclient.AsUser, TenantID: tenant, ClientID: client, SignIn: graphclient.SignInWay(way), Prompt: prompt}
}

// embedded starts the sandbox inside this process.
func (a *app) embedded(ctx context.Context, f cloudFlags, gc graphclient.Config) (graphclient.Config, clock.Clock, error) {
	o := sandbox.Options{Clock: f.clock, Addr: f.control, Control: f.control != ""}
	for _, in := range []struct {
		path string
		to   *[]byte
	}{{f.faults, &o.Faults}, {strings.TrimSuffix(f.sandbox, builtinSandbox), &o.State}} {
		if in.path == "" {
			continue
		}
		b, err := os.ReadFile(in.path)
		if err != nil {
			return gc, nil, fmt.Errorf("start the sandbox: %w", err)
		}
		*in.to = b
	}
	if f.record != "" {
		w, err := os.OpenFile(f.record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return gc, nil, fmt.Errorf("record: %w", err)
		}
		a.closers = append(a.closers, func() { _ = w.Close() })
		o.Record = w
	}
	s, err := sandbox.Start(ctx, o)
	if err != nil {
		return gc, nil, fmt.Errorf("start the sandbox: %w", err)
	}
	a.sandbox = s
	a.cfg.Guards.BreakGlass = append(slices.Clone(a.cfg.Guards.BreakGlass), s.BreakGlass()...)
	a.closers = append(a.closers, func() { _ = s.Close() })
	gc.Cloud = graphclient.Cloud{Name: "sandbox", Authority: s.URL(), Graph: s.URL(), Exchange: s.URL(), SharePoint: s.URL(), Push: s.URL(), RootCAs: pool(s.CA())}
	i := s.Client().Auth
	gc.Auth = graphclient.Auth{Mode: graphclient.Mode(i.Mode), TenantID: i.TenantID, ClientID: i.ClientID, ClientSecret: i.ClientSecret, RefreshToken: i.RefreshToken}
	switch a.cfg.Auth.Mode {
	case "partner":
		gc.Auth.Mode = graphclient.Partner
	case config.ModeUser:
		gc.Auth = f.asUser(a.cfg.Auth.SignIn, i.TenantID, i.ClientID)
	}
	gc.Clock = s
	p := s.Client().Pusher
	a.pusher = cloudPusher{p.URL, p.Token, s.CA()}
	return gc, s, nil
}

// described is a cloud that a client.json describes, such as a stand-alone sandbox.
func (a *app) described(f cloudFlags, file config.CloudFile, gc graphclient.Config, redactor *secrets.Redactor) (graphclient.Config, clock.Clock, error) {
	gc.Cloud = graphclient.Cloud{Name: file.Name, Authority: file.Authority, Graph: file.Graph, Exchange: file.Exchange, SharePoint: file.SharePoint}
	if file.CA != "" {
		gc.Cloud.RootCAs = pool([]byte(file.CA))
	}
	i := file.Auth
	gc.Auth = graphclient.Auth{Mode: graphclient.Mode(i.Mode), TenantID: i.TenantID, ClientID: i.ClientID, ClientSecret: i.ClientSecret, CertificatePEM: []byte(i.Certificate), RefreshToken: i.RefreshToken}
	if a.cfg.Auth.Mode == config.ModeUser || i.Mode == config.ModeUser {
		gc.Auth = f.asUser(a.cfg.Auth.SignIn, i.TenantID, i.ClientID)
	}
	redactor.Add(i.ClientSecret)
	redactor.Add(i.RefreshToken)
	a.pusher = cloudPusher{file.Pusher.URL, file.Pusher.Token, []byte(file.CA)}
	clk, done := clockOf(file)
	a.closers = append(a.closers, done)
	gc.Clock = clk
	return gc, gc.Clock, nil
}

// clockOf is the clock of a cloud that a client.json describes: a simulated one has its own.
func clockOf(file config.CloudFile) (clk clock.Clock, done func()) {
	if file.Clock == "" {
		return clock.System{}, func() {}
	}
	tc := &tls.Config{MinVersion: tls.VersionTLS12}
	if file.CA != "" {
		tc.RootCAs = pool([]byte(file.CA))
	}
	t := &http.Transport{TLSClientConfig: tc}
	return &clock.Remote{URL: file.Clock, Client: &http.Client{Transport: t}}, t.CloseIdleConnections
}

func pool(pem []byte) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(pem)
	return p
}

// newLogger logs to standard error: standard output is the protocol's.
func newLogger(level string) *zap.Logger {
	l, err := zapcore.ParseLevel(level)
	if err != nil {
		l = zapcore.InfoLevel
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(enc), zapcore.Lock(os.Stderr), l))
}
