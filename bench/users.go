package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cipp-mcp/sandbox/builtin"
)

const (
	tenantUsers  = 50_000
	usersLatency = 50 * time.Millisecond
)

// manyUsers lists, searches, sifts and exports fifty thousand users of one tenant, the simulated cloud in a process of its
// own: once with a latency and no limits, each answer held against the longest chain of requests that waited for one
// another, and once under the limits that Microsoft publishes, on the cloud's clock.
func manyUsers(ctx context.Context, bin, dir string) error {
	return errors.Join(usersOnce(ctx, bin, filepath.Join(dir, "users"), false, "--clock", "2026-03-12T15:00:00Z,frozen", "--latency", usersLatency.String()),
		usersOnce(ctx, bin, filepath.Join(dir, "userslimits"), true, "--limits"))
}

func usersOnce(ctx context.Context, bin, home string, limited bool, cloud ...string) error {
	state, out := filepath.Join(home, "state.json"), filepath.Join(home, "cloud")
	if err := errors.Join(os.MkdirAll(out, 0o700), os.WriteFile(state, builtin.Generate(5, 1, tenantUsers), 0o600)); err != nil {
		return err
	}
	client, stop, err := startCloud(ctx, bin, out, append([]string{"--state", state}, cloud...)...)
	if err != nil {
		return err
	}
	defer stop()
	s, err := serve(ctx, bin, client, "--log-level", "error")
	if err != nil {
		return err
	}
	err = usersAsked(ctx, s, client, limited)
	peak := s.peak()
	if err = errors.Join(err, s.stop()); err != nil {
		return err
	}
	fmt.Printf("%d users in one tenant: %s\n", tenantUsers, memory(peak))
	return nil
}

// usersAnswer is what is looked at of an answer of cipp_list_users.
type usersAnswer struct {
	Users []struct {
		ID string `json:"id"`
	} `json:"users"`
	Cursor string `json:"cursor"`
	Export struct {
		Rows int `json:"rows"`
	} `json:"export"`
}

func usersAsked(ctx context.Context, s *server, client string, limited bool) error {
	const tenant = "customer0001.example"
	var first usersAnswer
	if err := s.call("cipp_list_users", map[string]any{"tenantFilter": tenant}, &first); err != nil {
		return err // signs in, and finds the tenant
	}
	for _, q := range []struct {
		what string
		args map[string]any
		want int
	}{
		{"listed, the first page", map[string]any{}, 25},
		{"listed, the next page", map[string]any{"cursor": first.Cursor}, 25},
		{"searched for one", map[string]any{"search": "user49999"}, 1},
		{"sifted to the last one (filter)", map[string]any{"filter": "userPrincipalName endsWith 'user50000@" + tenant + "'"}, 1},
		{"read as a whole (report syncErrors)", map[string]any{"report": "syncErrors"}, 0},
		{"read as a whole (kind formerlyHybrid)", map[string]any{"kind": "formerlyHybrid"}, 0},
		{"exported as CSV, outside the context", map[string]any{"format": "csv"}, tenantUsers},
	} {
		q.args["tenantFilter"] = tenant
		var got usersAnswer
		var took span
		if err := took.measure(ctx, client, func() error { return s.call("cipp_list_users", q.args, &got) }); err != nil {
			return err
		}
		if n := len(got.Users) + got.Export.Rows; n != q.want {
			return fmt.Errorf("%s: %d users, %d are right", q.what, n, q.want)
		}
		if limited {
			fmt.Printf("%d users under Microsoft's limits, %s: %s\n", tenantUsers, q.what, took.limited())
			continue
		}
		bound := time.Duration(took.chain) * usersLatency
		fmt.Printf("%d users %s: %s in %d requests; chain %d × %s = %s: %.2f×; the cloud itself took %.2f s over it: %.2f× (aim ≤ 1.3×: %s)\n", tenantUsers, q.what, took.wall.Round(time.Millisecond),
			took.requests, took.chain, usersLatency, bound, took.wall.Seconds()/max(bound.Seconds(), 1e-9), took.worked, took.wall.Seconds()/max(took.worked, 1e-9), verdict(took.wall.Seconds() <= 1.3*took.worked))
	}
	return nil
}
