package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// Graph has no list of all that a user shares: the OneDrive is gone through folder by folder, the upper ones first, and
// each shared file or folder is asked who may open it. Both are bounded; what lies beyond stands in the audit log.
const (
	sharedItems  = 200
	drivenDeep   = 400     // folders
	listedAtMost = 100_000 // files and folders
)

// driveItem is a file or folder of a OneDrive; Shared is there where somebody else may open it.
type driveItem struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Shared json.RawMessage `json:"shared"`
	Folder *struct {
		ChildCount *int `json:"childCount"`
	} `json:"folder"`

	path string // from the root, its own name last
}

// empty tells a folder that says that nothing is in it.
func (d driveItem) empty() bool { return d.Folder.ChildCount != nil && *d.Folder.ChildCount == 0 }

// drive is the walk through one OneDrive.
type drive struct {
	c  *Collector
	id string

	mu      sync.Mutex
	shared  []driveItem
	listed  int
	folders int
	cut     bool // the walk did not see everything
}

func (d *drive) path(item string) string {
	return "/drives/" + graphclient.EscapeSegment(d.id) + "/items/" + graphclient.EscapeSegment(item)
}

// sharingLinks are who may open what of the user's OneDrive, at any depth.
func sharingLinks(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	own, err := c.Graph.Drive(ctx, c.Tenant, c.User.ID)
	if err != nil {
		return bec.Coverage{}, err
	}
	if own == nil {
		return bec.Coverage{Status: bec.NotApplicable, Reason: bec.NotEnabled, Detail: "the user has no OneDrive"}, nil
	}
	d := &drive{c: c, id: own.ID}
	broken := d.walk(ctx) // what was found until then is asked about all the same
	if err := d.permissions(ctx, w); err != nil {
		return bec.Coverage{}, err
	}
	if broken != nil {
		return bec.Coverage{}, broken
	}
	if d.cut {
		return bec.Coverage{Status: bec.ReadPartly, Reason: bec.Capped, Detail: fmt.Sprintf("%d folders and %d shared files or folders were looked at; deeper ones stand in the audit log only", d.folders, len(d.shared))}, nil
	}
	return bec.Coverage{}, nil
}

// walk lists folder after folder, level by level.
func (d *drive) walk(ctx context.Context) error {
	level := []driveItem{{ID: "root"}}
	for len(level) > 0 {
		if room := drivenDeep - d.folders; len(level) > room {
			level, d.cut = level[:max(room, 0)], true
		}
		d.folders += len(level)
		below := make([][]driveItem, len(level))
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(atOnce / 2)
		for i, folder := range level {
			g.Go(func() (err error) {
				below[i], err = d.list(gctx, folder)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		level = nil
		for _, b := range below {
			level = append(level, b...)
		}
	}
	return nil
}

// list takes in what lies in a folder, and answers the folders in it.
func (d *drive) list(ctx context.Context, folder driveItem) (below []driveItem, err error) {
	err = d.c.Graph.GraphRows(ctx, d.c.Tenant, d.path(folder.ID)+"/children", nil, false, func(page []json.RawMessage) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, row := range page {
			var it driveItem
			if err := json.Unmarshal(row, &it); err != nil {
				return &graphclient.Error{Kind: graphclient.Internal, Tenant: d.c.Tenant, Message: "A file could not be read."}
			}
			it.path = strings.TrimPrefix(folder.path+"/"+it.Name, "/")
			if len(it.Shared) > 0 && string(it.Shared) != "null" {
				if len(d.shared) == sharedItems {
					d.cut = true
				} else {
					d.shared = append(d.shared, it)
				}
			}
			if it.Folder != nil && !it.empty() {
				below = append(below, it)
			}
		}
		if d.listed += len(page); d.listed >= listedAtMost {
			d.cut = true
			return errEnough
		}
		return nil
	})
	if graphclient.KindOf(err) == graphclient.NotFound && folder.ID != "root" || err == errEnough { //nolint:errorlint // our own, handed through
		return below, nil // gone meanwhile, or enough
	}
	return below, err
}

// permissions asks who may open what is shared. A right that comes from a folder above is taken away there, and stands
// there.
func (d *drive) permissions(ctx context.Context, w *casefile.Writer) error {
	found := make([][]json.RawMessage, len(d.shared))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce / 2)
	for i, it := range d.shared {
		g.Go(func() error {
			err := d.c.Graph.GraphRows(gctx, d.c.Tenant, d.path(it.ID)+"/permissions", nil, false, func(page []json.RawMessage) error {
				found[i] = append(found[i], page...)
				return nil
			})
			if graphclient.KindOf(err) == graphclient.NotFound {
				return nil // removed meanwhile
			}
			return err
		})
	}
	err := g.Wait()
	for i, rows := range found {
		it := d.shared[i]
		for _, row := range rows {
			if inherited(row) {
				continue
			}
			if werr := w.Add("driveItemPermission", strings.Join([]string{d.id, it.ID, idOf(row)}, "/"), within(row, "driveId", d.id, "itemId", it.ID, "itemName", it.Name, "itemPath", it.path)); werr != nil {
				return werr
			}
		}
	}
	return err
}

func inherited(row json.RawMessage) bool {
	var p struct {
		InheritedFrom struct {
			ID string `json:"id"`
		} `json:"inheritedFrom"`
	}
	return json.Unmarshal(row, &p) == nil && p.InheritedFrom.ID != ""
}
