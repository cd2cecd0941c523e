package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

var benchLine = regexp.MustCompile(`^BenchmarkDecodeUsers/(\w+)\S*\s+\d+\s+([\d.]+) ns/op(?:\s+[\d.]+ MB/s)?\s+\d+ B/op\s+(\d+) allocs/op`)

// decoding runs the benchmark of one page of 999 users: our structs against the SDK's typed models.
func decoding(ctx context.Context, _, _ string) error {
	c := exec.CommandContext(ctx, "go", "test", "./graphclient", "-run", "^$", "-bench", "^BenchmarkDecodeUsers$", "-benchmem", "-benchtime", "1s")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("decoding: %w\n%s", err, out)
	}
	ns, allocs := map[string]float64{}, map[string]float64{}
	for line := range strings.Lines(string(out)) {
		if m := benchLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			ns[m[1]], _ = strconv.ParseFloat(m[2], 64)
			allocs[m[1]], _ = strconv.ParseFloat(m[3], 64)
		}
	}
	if ns["lean"] == 0 || ns["sdk"] == 0 {
		return fmt.Errorf("decoding: no figures in\n%s", out)
	}
	speed, less := ns["sdk"]/ns["lean"], allocs["sdk"]/allocs["lean"]
	fmt.Printf("decoding 999 users against the SDK's typed models: %.1f× as fast (aim ≥ 8×: %s), 1/%.0f of the allocations (aim ≤ 1/20: %s)\n", speed, verdict(speed >= 8), less, verdict(less >= 20))
	return nil
}
