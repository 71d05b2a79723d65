// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

// Options say how much to measure.
type options struct {
	pairs   int            // for each bar
	time    time.Duration  // for each measurement of a pair
	keys    int            // in the databases
	most    int            // where their number counts
	bars    *regexp.Regexp // which of them to measure
	matched *bool          // there was one
	binary  string         // the service; empty: it is built
	profile string         // how the names of profiles begin; empty: none is taken
	out     io.Writer      // where the tables go
}

// parse reads the command line. What cannot be measured ends the program.
func parse() (o options, names []string) {
	o.out, o.bars, o.matched = os.Stdout, regexp.MustCompile(""), new(bool)
	flag.IntVar(&o.pairs, "pairs", 9, "how many `times` ours and the other are measured")
	flag.DurationVar(&o.time, "time", 2*time.Second, "how long each `measurement` takes")
	flag.IntVar(&o.keys, "keys", 100_000, "how many `keys` there are")
	flag.IntVar(&o.most, "most", 1_000_000, "how many `keys` there are where it is their number that counts")
	flag.StringVar(&o.binary, "binary", "", "the `path` of the service; without it, it is built")
	flag.StringVar(&o.profile, "profile", "", "how the `names` of profiles of the services begin; without it, none are taken")
	flag.Func("bars", "measure only bars that match this `regexp`, such as 'SQLite, 64'", func(text string) (err error) {
		o.bars, err = regexp.Compile(text)
		return err
	})
	flag.Usage = usage
	flag.Parse()
	for _, name := range flag.Args() {
		if !known(name) {
			fmt.Fprintf(os.Stderr, "%s is nothing that can be measured\n", name)
			usage()
			os.Exit(2)
		}
	}
	return o, flag.Args()
}

func known(name string) bool {
	for _, m := range measurements {
		if m.name == name {
			return true
		}
	}
	return false
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: go run ./bench [flags] [what...]\n\nwhat there is to measure:")
	for _, m := range measurements {
		fmt.Fprintf(os.Stderr, "  %-10s  %s\n", m.name, m.about)
	}
	fmt.Fprintln(os.Stderr, "\nflags:")
	flag.PrintDefaults()
}
