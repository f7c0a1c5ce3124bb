// Gotypes says what two cgo generators declare differently. It type-checks what each wrote (_cgo_gotypes.go and the
// *.cgo1.go files) and compares the meaning of every name that stands for something of C, not the text.
//
// Standard input: a JSON array of cases. Standard output: a JSON array of differences.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync"
)

// Case is one run of cgo: the object directories that the two generators have filled.
type Case struct {
	Name      string
	GOARCH    string
	Official  string
	Candidate string
}

// Difference is about one name. What is "missing" or "extra" (as seen from the official output) or "different".
type Difference struct {
	Case      string
	What      string
	Name      string
	Official  string
	Candidate string
}

func main() {
	var cases []Case
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, "gotypes:", err)
		os.Exit(1)
	}
	results := make([][]Difference, len(cases))
	var group sync.WaitGroup
	slots := make(chan bool, runtime.GOMAXPROCS(0))
	for i, c := range cases {
		group.Go(func() {
			slots <- true
			defer func() { <-slots }()
			results[i] = compare(c)
		})
	}
	group.Wait()
	all := []Difference{}
	for _, result := range results {
		all = append(all, result...)
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		fmt.Fprintln(os.Stderr, "gotypes:", err)
		os.Exit(1)
	}
}

func compare(c Case) []Difference {
	official := describe(c.Official, c.GOARCH)
	candidate := describe(c.Candidate, c.GOARCH)
	names := map[string]bool{}
	for name := range official {
		names[name] = true
	}
	for name := range candidate {
		names[name] = true
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)

	var found []Difference
	for _, name := range sorted {
		want, inOfficial := official[name]
		got, inCandidate := candidate[name]
		what := "different"
		switch {
		case !inCandidate:
			what = "missing"
		case !inOfficial:
			what = "extra"
		case want == got:
			continue
		}
		found = append(found, Difference{c.Name, what, name, want, got})
	}
	return found
}
