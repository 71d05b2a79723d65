// SPDX-License-Identifier: Apache-2.0

// Command check tells what can be told of the Dockerfile, docker-compose.yml, envoy.yaml and traefik.yaml without Docker, Envoy or Traefik: BuildKit's own
// linter reads the first (what `docker build --check` would say), Compose's own loader the second (what `docker compose
// config` would say), Envoy's published messages the third (what `envoy --mode validate` would say of its form), the documented names of
// Traefik's configuration the fourth, and then what this project promises is looked for in each.
//
// It is a module of its own, so that BuildKit's weight stays out of the service's go.mod. Run it with `make compose-check`.
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
	envoy := flag.String("envoy", "deploy/envoy/envoy.yaml", "the Envoy configuration to check")
	traefik := flag.String("traefik", "deploy/traefik/traefik.yaml", "the static Traefik configuration to check, with the dynamic one beside it")
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
	complaints, err = checkEnvoy(*envoy)
	report(*envoy, complaints, err)
	complaints, err = checkTraefik(*traefik)
	report(*traefik, complaints, err)
	if failed {
		os.Exit(1)
	}
}
