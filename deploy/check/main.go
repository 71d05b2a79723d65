// SPDX-License-Identifier: Apache-2.0

// Command check tells what can be told of the Dockerfile and docker-compose.yml without a Docker engine: BuildKit's own
// linter reads the one (what `docker build --check` would say), Compose's own loader the other (what `docker compose
// config` would say), and then what this project promises of its containers is looked for in both.
//
// It is a module of its own, so that BuildKit's weight stays out of the service's go.mod. Run it with `make docker`.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	dockerfile := flag.String("dockerfile", "Dockerfile", "the Dockerfile to check")
	compose := flag.String("compose", "docker-compose.yml", "the Compose file to check")
	flag.Parse()

	failed := false
	report := func(path string, complaints []string, err error) {
		if err != nil {
			complaints = append(complaints, err.Error())
		}
		for _, complaint := range complaints {
			fmt.Fprintf(os.Stderr, "%s: %s\n", path, complaint)
		}
		if len(complaints) == 0 {
			fmt.Println(path + ": ok")
		}
		failed = failed || len(complaints) > 0
	}
	ctx := context.Background()
	complaints, err := checkDockerfile(ctx, *dockerfile)
	report(*dockerfile, complaints, err)
	complaints, err = checkCompose(ctx, *compose)
	report(*compose, complaints, err)
	if failed {
		os.Exit(1)
	}
}
