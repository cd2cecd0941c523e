package tools

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const (
	// mostRows is how many rows one bulk takes.
	mostRows = 1000
	// bulkWide is how many rows are looked at side by side; Microsoft's limits are kept below that.
	bulkWide = 32
)

// bulkRows are the rows a call names, each checked as the tool itself would check it, before anything is written.
func (c *Call) bulkRows(ctx context.Context, t Tool, in BulkActionIn) ([]bulkRow, error) {
	given := 0
	for _, is := range []bool{len(in.Targets) > 0, in.CSV != "", in.Filter != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, invalid("Name the rows by exactly one of targets, csv and filter.")
	}
	tenants, err := c.bulkTenants(ctx, in)
	if err != nil {
		return nil, err
	}
	var rows []bulkRow
	switch {
	case len(in.Targets) > 0:
		for i, u := range in.Targets {
			rows = append(rows, bulkRow{N: i + 1, Args: map[string]any{"userId": u}})
		}
	case in.CSV != "":
		text := in.CSV
		if text, err = c.table(text); err == nil {
			rows, err = csvRows(t, text)
		}
	default:
		rows, err = c.filterRows(ctx, tenants, in.Filter)
	}
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, invalid("No row is left: nobody fits.")
	case len(rows) > mostRows:
		return nil, invalid("%d rows are too many for one bulk; %d are the most. Divide them.", len(rows), mostRows)
	}
	for i := range rows {
		for k, v := range in.Arguments {
			if _, own := rows[i].Args[k]; !own {
				rows[i].Args[k] = v
			}
		}
	}
	return rows, c.checkRows(ctx, t, tenants, rows)
}

// bulkTenants are the tenants a call names; allTenants is none of them.
func (c *Call) bulkTenants(ctx context.Context, in BulkActionIn) ([]graphclient.Tenant, error) {
	if in.TenantFilter != "" {
		if len(in.Tenants) > 0 {
			return nil, invalid("Give tenantFilter for one tenant or tenants for several, not both.")
		}
		return []graphclient.Tenant{c.Tenant}, nil
	}
	var out []graphclient.Tenant
	for _, name := range in.Tenants {
		if IsAllTenants(name) {
			return nil, &Problem{Code: "one_tenant_only", Message: "A bulk never takes allTenants.", Next: "Name the tenants in tenants; cipp_list_tenants lists them."}
		}
		t, err := c.Graph.ResolveTenant(ctx, name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(o graphclient.Tenant) bool { return o.ID == t.ID }) {
			out = append(out, t)
		}
	}
	if len(out) == 0 && in.CSV == "" {
		return nil, invalid("Name the tenant in tenantFilter, or several in tenants.")
	}
	return out, nil
}

// largestTable bounds a file with rows.
const largestTable = 4 << 20

// table is the text of a table: what was given, or the file of the operator's folder that was named.
func (c *Call) table(given string) (string, error) {
	name := strings.TrimSpace(given)
	if strings.ContainsAny(name, "\n\r") || !strings.HasSuffix(strings.ToLower(name), ".csv") {
		return given, nil
	}
	folder := c.Policy.Config.Bulk.Folder
	if folder == "" {
		return "", &Problem{Code: "invalid_argument", Message: "This server reads tables from no folder (bulk.folder).", Next: "Give the rows themselves in csv, or ask the operator to name a folder."}
	}
	raw, err := fromFolder("csv", folder, name, largestTable+1)
	if err == nil && len(raw) > largestTable {
		err = invalid("csv: %q is larger than 4 MB.", Clean(name, 120))
	}
	return string(raw), err
}

// csvRows reads rows with a header; a comma, a semicolon or a tab parts the columns. A cell that is empty is not given,
// and in a column that takes several values a bar parts them.
func csvRows(t Tool, text string) ([]bulkRow, error) {
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, invalid("csv: this is no UTF-8, so that names would be garbled; save the table as CSV UTF-8.")
	}
	text = strings.TrimPrefix(text, "\ufeff")
	head, _, _ := strings.Cut(text, "\n")
	r := csv.NewReader(strings.NewReader(text))
	for _, sep := range ";\t" {
		if strings.Count(head, string(sep)) > strings.Count(head, string(r.Comma)) {
			r.Comma = sep
		}
	}
	r.TrimLeadingSpace = r.Comma != '\t' // it would take empty cells for space
	header, err := r.Read()
	if err != nil {
		return nil, invalid("csv: the header line cannot be read: %s.", Clean(err.Error(), 120))
	}
	if slices.ContainsFunc(header, func(s string) bool { return strings.Contains(s, "@") }) {
		return nil, invalid("csv: the first line must be the header, the names of arguments such as userId; it begins with %q.", Clean(header[0], 60))
	}
	named := map[string]bool{}
	for i, name := range header {
		if header[i] = strings.TrimSpace(name); header[i] != "" && named[header[i]] {
			return nil, invalid("csv: there are two columns %s; keep one of them.", Clean(header[i], 60))
		}
		named[header[i]] = true
	}
	lists := listArguments(t)
	var rows []bulkRow
	for n := 1; ; n++ {
		cells, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, invalid("csv, row %d: %s.", n, Clean(err.Error(), 120))
		}
		row := bulkRow{N: n, Args: map[string]any{}}
		for i, cell := range cells {
			name := header[i]
			if cell = strings.TrimSpace(cell); cell == "" || name == "" {
				continue
			}
			if lists[strings.ToLower(name)] {
				var values []any
				for v := range strings.SplitSeq(cell, "|") {
					values = append(values, strings.TrimSpace(v))
				}
				row.Args[name] = values
				continue
			}
			row.Args[name] = cell
		}
		if len(row.Args) > 0 {
			rows = append(rows, row)
		}
	}
}

// listArguments are the arguments of a tool that take several values, in lower case.
func listArguments(t Tool) map[string]bool {
	out := map[string]bool{}
	var walk func(reflect.Type)
	walk = func(s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			if f.Anonymous {
				walk(f.Type)
				continue
			}
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.Type.Kind() == reflect.Slice {
				out[strings.ToLower(name)] = true
			}
		}
	}
	walk(t.Input)
	for other, name := range t.Aliases {
		if out[strings.ToLower(name)] {
			out[strings.ToLower(other)] = true
		}
	}
	return out
}

// filterRows are the users that fit a filter now, in each tenant. The plan is of them and not of the filter.
func (c *Call) filterRows(ctx context.Context, tenants []graphclient.Tenant, filter string) ([]bulkRow, error) {
	var rows []bulkRow
	for _, tenant := range tenants {
		in := *c
		in.Tenant = tenant
		query, keep, err := userQuery(ctx, &in, ListUsersIn{AnyTenantArg: AnyTenantArg{tenant.ID}, Filter: filter})
		if err != nil {
			return nil, err
		}
		query.Top = 0
		for page, err := range c.Graph.Users(ctx, tenant.ID, query.UserQuery) {
			if err != nil {
				return nil, err
			}
			for _, u := range page.Users {
				if keep(u) {
					rows = append(rows, bulkRow{N: len(rows) + 1, Args: map[string]any{"tenantFilter": tenant.ID, "userId": u.ID}})
				}
			}
			if len(rows) > mostRows {
				return rows, nil
			}
		}
	}
	return rows, nil
}

// checkRows decodes each row as a call of the tool and finds tenant and user; the mistakes of all rows come at once.
func (c *Call) checkRows(ctx context.Context, t Tool, tenants []graphclient.Tenant, rows []bulkRow) error {
	wrong, inputs := make([]*Problem, len(rows)), make([]any, len(rows))
	err := eachRow(ctx, wrong, func(ctx context.Context, i int) (err error) {
		inputs[i], err = c.decodeRow(ctx, t, tenants, &rows[i])
		return err
	})
	if err != nil {
		return err
	}
	names := map[string][]string{}
	for i, in := range inputs {
		if a, ok := in.(interface{ userID() string }); ok && wrong[i] == nil {
			names[rows[i].TenantID] = append(names[rows[i].TenantID], a.userID())
		}
	}
	err = eachRow(c.withUsers(ctx, names), wrong, func(ctx context.Context, i int) error { return c.checkRow(ctx, t, inputs[i], &rows[i]) })
	if err != nil {
		return err
	}
	e := &rowErrors{of: len(rows)}
	seen := map[string]int{}
	for i, r := range rows {
		if p := wrong[i]; p != nil {
			e.add(r, p.Message)
			continue
		}
		key := strings.ToLower(r.TenantID + " " + r.UserID)
		if r.UserID == "" {
			key = strings.ToLower(r.TenantID + " " + r.who())
		}
		if n, twice := seen[key]; twice {
			e.add(r, fmt.Sprintf("%s is row %d already", q(r.who()), n))
			continue
		}
		seen[key] = r.N
		named, ok := inputs[i].(interface{ signInName(current string) string })
		if !ok {
			continue
		}
		name := named.signInName(r.User)
		if name == "" {
			continue
		}
		key = strings.ToLower(r.TenantID + " name " + name)
		if n, twice := seen[key]; twice {
			e.add(r, fmt.Sprintf("%s is the sign-in name of row %d too", q(name), n))
			continue
		}
		seen[key] = r.N
	}
	return e.err()
}

// eachRow does something for every row that is not wrong yet, side by side; what is wrong with one is put down, and
// what is wrong with more than that row ends it.
func eachRow(ctx context.Context, wrong []*Problem, do func(context.Context, int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(bulkWide)
	for i := range wrong {
		if wrong[i] != nil {
			continue
		}
		g.Go(func() error {
			return jobs.Caught(func() error {
				err := do(gctx, i)
				if p, foreseen := ProblemOf(err); err != nil && foreseen && !p.Retryable {
					wrong[i] = p
					return nil
				}
				return err
			})
		})
	}
	return g.Wait()
}

// decodeRow reads a row as a call of the tool, in its tenant.
func (c *Call) decodeRow(ctx context.Context, t Tool, tenants []graphclient.Tenant, r *bulkRow) (any, error) {
	args := maps.Clone(r.Args)
	if err := steered(args); err != nil {
		return nil, err
	}
	if err := c.rowTenant(ctx, tenants, args); err != nil {
		return nil, err
	}
	in, canonical, err := c.Decode(t, args)
	if err != nil {
		return nil, err
	}
	if p, ok := canonical["password"].(string); ok {
		c.Redactor.Add(p)
	}
	if err := steered(canonical); err != nil {
		return nil, err
	}
	r.Args = canonical
	if a, ok := in.(interface{ tenantFilter() string }); ok && a.tenantFilter() != "" && !IsAllTenants(a.tenantFilter()) {
		tenant, err := c.Graph.ResolveTenant(ctx, a.tenantFilter())
		if err != nil {
			return nil, err
		}
		if len(tenants) > 0 && !slices.ContainsFunc(tenants, func(o graphclient.Tenant) bool { return o.ID == tenant.ID }) {
			return nil, invalid("%s is not among the tenants this bulk names.", tenant.DefaultDomain)
		}
		r.TenantID = tenant.ID
	}
	return in, nil
}

// checkRow finds the tenant and the user of a row, and names both by their ids from then on.
func (c *Call) checkRow(ctx context.Context, t Tool, in any, r *bulkRow) error {
	call, err := c.NewCall(ctx, t, in)
	if err != nil {
		return err
	}
	r.TenantID, r.Tenant = call.Tenant.ID, call.Tenant.DefaultDomain
	r.Args["tenantFilter"] = call.Tenant.ID
	if call.User != nil {
		r.UserID, r.User = call.User.ID, call.User.UserPrincipalName
		r.Args["userId"] = call.User.ID
	}
	return nil
}

// steered refuses in a row what steers a whole call: nobody would look at it there.
func steered(args map[string]any) error {
	for _, steering := range []string{"dryRun", "planToken", "runAt", "idempotencyKey"} {
		if _, ok := args[steering]; ok {
			return invalid("%s belongs to the bulk itself, not to its rows.", steering)
		}
	}
	return nil
}

// rowTenant gives a row its tenant: its own, the only one of the call, or the one that its address belongs to.
func (c *Call) rowTenant(ctx context.Context, tenants []graphclient.Tenant, args map[string]any) error {
	for _, name := range []string{"tenantFilter", "customerId", "tenant", "tenantId"} {
		if text(args[name]) != "" {
			return nil
		}
	}
	if len(tenants) == 1 {
		args["tenantFilter"] = tenants[0].ID
		return nil
	}
	for _, name := range []string{"userId", "userPrincipalName", "upn"} {
		_, domain, ok := strings.Cut(text(args[name]), "@")
		if !ok {
			continue
		}
		t, err := c.Graph.ResolveTenant(ctx, domain)
		if err != nil {
			return err
		}
		args["tenantFilter"] = t.ID
		return nil
	}
	return invalid("with several tenants each row needs a column tenantFilter, or a user principal name to tell the tenant by.")
}
