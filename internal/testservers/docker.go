// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// image is what runs where no Postgres is installed but a Docker engine is. That is a fallback: it serves Postgres, not
// StartPostgres, since what a container does when it is killed or frozen is Docker's affair.
const image = "postgres:15-alpine"

// containerScript runs the server for as long as standard input is open, which is as long as we live: nothing is left
// behind even if we are killed. A server that is still being set up does not heed the first signals.
const containerScript = `docker-entrypoint.sh postgres "$@" & cat >/dev/null; while kill -INT $!; do sleep 1; done`

func dockerWorks() bool {
	return exec.Command("docker", "info").Run() == nil
}

// startContainer starts a server in a container, and returns a function that ends it.
func startContainer() (server *PostgresServer, stop func(), err error) {
	name := dirPrefix + strings.ToLower(rand.Text())
	args := []string{"run", "--rm", "-i", "--name", name, "-p", "127.0.0.1:0:5432",
		"-e", "POSTGRES_HOST_AUTH_METHOD=trust", image, "sh", "-c", containerScript, "sh"}
	for _, setting := range settings(nil) {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command("docker", args...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	p, err := startProcess(cmd)
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = stdin.Close()
		<-p.done
	}
	// The image may have to be fetched first.
	for deadline := time.Now().Add(5 * patience); time.Now().Before(deadline) && !p.ended(); time.Sleep(poll) {
		out, err := exec.Command("docker", "port", name, "5432/tcp").Output()
		if address := strings.TrimSpace(string(out)); err == nil && address != "" {
			server = newServer(address)
			break
		}
	}
	if server == nil {
		err = errors.New("the container did not start")
	} else if err = server.await(p); err == nil {
		// While it sets itself up the image's server listens on no port, so what answered is the one that stays.
		err = server.prepare()
	}
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("docker %s: %w\n%s", image, err, log.Bytes())
	}
	return server, stop, nil
}
