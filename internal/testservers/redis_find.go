// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"fmt"
	"os"
	"os/exec"
)

// redisVariable names the program redis-server, where it is not found otherwise.
const redisVariable = "AEROPLANE_AUTHZ_TEST_REDIS_SERVER"

// howToGetRedis says what somebody without Redis can do.
const howToGetRedis = "no Redis server was found. Run `make test` as root on Debian or Ubuntu, which installs one; " +
	"or install the package `redis-server` (Homebrew and others: `redis`); or set " + redisVariable + " to the path of " +
	"`redis-server`"

// findRedis returns the path of redis-server, and "" where there is none. scripts/install-redis looks in the same places.
func findRedis() (path string, err error) {
	if path := os.Getenv(redisVariable); path != "" {
		if !isProgram(path) {
			return "", fmt.Errorf("%s is %q, which is no program", redisVariable, path)
		}
		return path, nil
	}
	if path, err := exec.LookPath("redis-server"); err == nil {
		return path, nil
	}
	for _, path := range []string{"/usr/bin/redis-server", "/usr/local/bin/redis-server", "/opt/homebrew/bin/redis-server"} {
		if isProgram(path) {
			return path, nil
		}
	}
	return "", nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
