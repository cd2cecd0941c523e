package main

import (
	"strings"

	"github.com/spf13/cobra"

	"cipp-mcp/internal/config"
	"cipp-mcp/tools"
)

// addTools gives a command the flags that choose tools; each overrides its line of the configuration.
func (f *cloudFlags) addTools(c *cobra.Command) {
	c.Flags().StringVar(&f.tools.Preset, "preset", "", strings.Join(tools.Presets(), ", "))
	c.Flags().StringSliceVar(&f.tools.Toolsets, "toolsets", nil, "more than the preset: "+strings.Join(tools.Toolsets(), ", "))
	c.Flags().StringSliceVar(&f.tools.Add, "tools", nil, "more tools, by name")
	c.Flags().StringSliceVar(&f.tools.Remove, "exclude-tools", nil, "tools to switch off, by name")
	c.Flags().BoolVar(&f.tools.Discovery, "discovery", false, "list three tools that find the others")
}

func (f *cloudFlags) chooseTools(t *config.Tools) {
	if f.tools.Preset != "" {
		t.Preset = f.tools.Preset
	}
	if f.tools.Toolsets != nil {
		t.Toolsets = f.tools.Toolsets
	}
	if f.tools.Add != nil {
		t.Add = f.tools.Add
	}
	t.Remove = append(t.Remove, f.tools.Remove...) // what the operator's file switches off stays off
	t.Discovery = t.Discovery || f.tools.Discovery
}
