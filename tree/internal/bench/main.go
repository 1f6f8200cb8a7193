// Bench measures what supervision costs: restarts, starts and stops, memory. It
// does so for coppice and, within the same run, for suture and for the
// supervisor of Erlang/OTP where erl is installed. Each measurement is a process
// of its own, so that no heap disturbs another, and the peers take turns, so that
// the ratios are worth more than the times.
//
//	go run ./tree/internal/bench [-only restart,start,memory,all,million] [-rounds 3] [-quick]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

var (
	only     = flag.String("only", "", "topics, comma-separated: restart, start, memory, all, million (default: every one)")
	rounds   = flag.Int("rounds", 3, "rounds of each measurement, a third of that among a million; what is shown is the median")
	quick    = flag.Bool("quick", false, "one round of a tenth of the size")
	sizes    = flag.String("n", "10,100000", "restart: numbers of children, for all peers")
	alone    = flag.String("alone", "1000000", "restart: numbers of children, for coppice alone")
	crashes  = flag.Int("crashes", 20_000, "restart: crashes in a round")
	children = flag.Int("children", 100_000, "start, memory: number of children")
	group    = flag.Int("group", 1000, "all: number of children")
	million  = flag.Int("million", 1_000_000, "million: number of children")
	one      = flag.String("measure", "", "what the process of one measurement is told; not for you")
)

func main() {
	flag.Parse()
	if *one != "" {
		var m measurement
		err := json.Unmarshal([]byte(*one), &m)
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(here[m.Topic](m))
		}
		exitOn(err)
		return
	}
	if *quick {
		*rounds, *sizes, *alone, *crashes = 1, "10,10000", "100000", 2000
		*children, *million = 10_000, 100_000
	}
	topics := all()
	chosen := slices.DeleteFunc(strings.Split(*only, ","), func(s string) bool { return s == "" })
	for _, name := range chosen {
		if !slices.ContainsFunc(topics, func(t topic) bool { return t.name == name }) {
			fmt.Fprintf(os.Stderr, "there is no topic %q\n", name)
			os.Exit(2)
		}
	}
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt) // what is temporary is removed then, too
	otp, err := newOTP()
	exitOn(err)
	fmt.Printf("%s; %s; %d CPUs\n", runtime.Version(), otp, runtime.NumCPU())
	for _, t := range topics {
		if len(chosen) > 0 && !slices.Contains(chosen, t.name) {
			continue
		}
		if err = t.run(ctx, otp); err != nil {
			break
		}
	}
	otp.remove()
	exitOn(err)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// all returns what there is to measure.
func all() []topic {
	everybody, pair, itself := []string{"suture", "OTP", "coppice"}, []string{"OTP", "coppice"}, []string{"coppice"}
	restart := topic{
		name: "restart",
		title: fmt.Sprintf("Crash to running again, one child of N, listed in the Spec. Victims are random, %d crashes in a\n"+
			"round; OTP: fewer, in bursts of %d.", *crashes, burst),
		label: "by",
		figures: []figure{
			{"median", "median µs", "%.2f", true}, {"p99", "p99 µs", "%.1f", false},
			{"allocs", "allocs", "%.1f", false}, {"bytes", "bytes", "%.0f", false},
		},
	}
	ways := []string{"error", "panic"}
	for _, n := range numbers(*sizes) {
		restart.cases = append(restart.cases, comparison{n, *rounds, everybody, ways})
	}
	for _, n := range numbers(*alone) {
		restart.cases = append(restart.cases, comparison{n, (*rounds + 2) / 3, itself, ways})
	}
	return []topic{
		restart,
		{
			name: "start",
			title: "Start, until all children run, and stop, until the supervisor has returned; gone: until no goroutine\n" +
				"is left. CPU is user and system time. Listed: known before the start. Dynamic: added one after the\n" +
				"other to a supervisor that runs.",
			label: "children",
			figures: []figure{
				{"start", "start ms", "%.0f", true}, {"startCPU", "CPU ms", "%.0f", false},
				{"stop", "stop ms", "%.0f", true}, {"stopCPU", "CPU ms", "%.0f", false}, {"gone", "gone ms", "%.0f", false},
			},
			cases: []comparison{{*children, *rounds, everybody, []string{"listed"}}, {*children, *rounds, everybody, []string{"dynamic"}}},
		},
		{
			name: "memory",
			title: "Memory of an idle dynamic child. Bytes: what HeapInuse and StackInuse grew by, after a collection,\n" +
				"divided by N; OTP: erlang:memory(total). RSS: the same of the resident memory of the process, after\n" +
				"freed memory was given back.",
			label: "children",
			figures: []figure{
				{"bytes", "bytes", "%.0f", true}, {"heap", "heap", "%.0f", false}, {"stack", "stack", "%.0f", false}, {"rss", "RSS", "%.0f", true},
			},
			cases: []comparison{{*children, *rounds, everybody, []string{"dynamic"}}},
		},
		{
			name:    "all",
			title:   "One for all: from the crash of one child of N until all run again.",
			label:   "strategy",
			figures: []figure{{"median", "median ms", "%.2f", true}, {"p99", "p99 ms", "%.2f", false}},
			cases:   []comparison{{*group, *rounds, pair, []string{"one_for_all"}}},
		},
		{
			name:  "million",
			title: "Many dynamic children: start of all, restart of a random one, stop of all. RSS is that at the end of\nthe start, with what is not collected yet.",
			label: "children",
			figures: []figure{
				{"start", "start ms", "%.0f", true}, {"restart", "restart µs", "%.2f", true}, {"p99", "p99 µs", "%.1f", false},
				{"stop", "stop ms", "%.0f", true}, {"rss", "RSS MB", "%.0f", true},
			},
			cases: []comparison{{*million, (*rounds + 2) / 3, pair, []string{"dynamic"}}},
		},
	}
}

func numbers(list string) []int {
	var ns []int
	for s := range strings.SplitSeq(list, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%q is not a number of children: %v\n", s, err)
			os.Exit(2)
		}
		ns = append(ns, n)
	}
	return ns
}
