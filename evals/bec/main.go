// Command bec runs the worked cases of business email compromise and of what only looks like it: through the built
// server, then once more with every name, id, address and date replaced, then without one source after the other.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	bin := flag.String("bin", "bin/cipp-mcp", "the built program")
	dir := flag.String("dir", "evals/bec", "where base.json and cases lie")
	only := flag.String("case", "", "only cases whose name holds this")
	record := flag.String("record", "", "write the exchanges with the cloud into this folder")
	verbose := flag.Bool("v", false, "print what each case answers")
	flag.Parse()
	failed, err := all(context.Background(), *bin, *dir, *only, *record, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func all(ctx context.Context, bin, dir, only, record string, verbose bool) (failed int, err error) {
	cases, base, err := load(dir)
	if err != nil {
		return 0, err
	}
	hits, misses, alarms, ran := 0, 0, 0, 0
	for i, c := range cases {
		if !strings.Contains(c.name, only) {
			continue
		}
		state, err := c.cloud(base)
		if err != nil {
			return 0, err
		}
		again, err := c.cloud(base)
		if err != nil {
			return 0, err
		}
		other, otherState, err := disguised(c, again, uint64(i)+1, wellKnown)
		if err != nil {
			return 0, err
		}
		for _, one := range []struct {
			c     *caseFile
			state map[string]any
		}{{c, state}, {other, otherState}} {
			m, a, err := try(ctx, bin, record, one.c, one.state, verbose)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", one.c.name, err)
			}
			ran++
			misses, alarms = misses+len(m), alarms+len(a)
			if len(m)+len(a) == 0 {
				hits++
				fmt.Printf("ok    %s\n", one.c.name)
				continue
			}
			failed++
			fmt.Printf("WRONG %s: %s\n", one.c.name, c.Title)
			for _, x := range m {
				fmt.Printf("      missed: %s\n", x)
			}
			for _, x := range a {
				fmt.Printf("      false alarm: %s\n", x)
			}
		}
	}
	fmt.Printf("%d of %d right, %d misses, %d false alarms\n", hits, ran, misses, alarms)
	return failed, nil
}

// try runs one case, and counts a verdict that strengthens without a source as a false alarm.
func try(ctx context.Context, bin, record string, c *caseFile, state map[string]any, verbose bool) (misses, alarms []string, err error) {
	file := ""
	if record != "" {
		file = filepath.Join(record, "bec-"+strings.ReplaceAll(c.name, " ", "-")+".jsonl")
	}
	r, err := start(ctx, bin, file, state)
	if err != nil {
		return nil, nil, err
	}
	defer r.close()
	res, text, err := r.all(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if verbose {
		fmt.Println(text)
		if res.Plan != nil {
			for _, s := range res.Plan.Steps {
				fmt.Println("   ", s.ID, s.Action, s.TargetID)
			}
		}
	}
	misses, alarms = c.Expect.score(res)
	for _, word := range []string{" clean", "is safe", "no compromise", "not compromised"} {
		if strings.Contains(strings.ToLower(text), word) {
			alarms = append(alarms, "it says"+word)
		}
	}
	wrong, err := r.mutants(ctx, c, res)
	return misses, append(alarms, wrong...), err
}

// wellKnown are ids that the makers of products gave: they are facts, not names.
var wellKnown = []string{
	"4765445b-32c6-49b0-83e6-1d93765276ca", "72782ba9-4490-4f03-8d82-562370ea3566", "29d9ed98-a469-4536-ade2-f981bc1d605e", "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9", "d3590ed6-52b3-4102-aeff-aad2292ab01c",
	"27922004-5251-4030-b22d-91ecd9a37ea4", "9199bf20-a13f-4107-85dc-02114787ef48", "5d661950-3475-41cd-a2c3-d671a3162bc1", "1fec8e78-bce4-4aaf-ab1b-5451cc387264", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
	"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2", "aebc6443-996d-45c2-90f0-388ff96faa56", "9ba1a5c7-f17a-4de9-a1f1-6178c8d51223", "38aa3b87-a06d-4817-b275-7a316988d93b",
	"fb78d390-0c51-40cd-8e17-fdbfab77341b", "e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd", "ff8d92dc-3d82-41d6-bcbd-b9174d163620", "28c10230-6103-485e-b985-444c60001490",
	"29232cdf-9323-42fd-ade2-1d097af3e4de", // the role Exchange Administrator
}
