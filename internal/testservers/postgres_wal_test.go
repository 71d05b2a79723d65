// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"os"
	"path/filepath"
	"testing"

	"aeroplane.run/authz/internal/testservers"
)

func TestAServerWithoutRoomForItsLogConfirmsNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a small file system")
	}
	dir := publicDir(t)
	t.Setenv("TMPDIR", dir)
	t.Run("inner", func(t *testing.T) {
		server := testservers.StartPostgres(t, testservers.Options{})
		run(t, open(t, server.AdminDSN("postgres")), "CREATE TABLE note (text text)")
		run(t, open(t, server.AdminDSN("postgres")), "INSERT INTO note VALUES ('kept')")
		small, _, restore := server.SmallWAL(t, 20)
		mustRead(t, server, "kept")

		ballast := filepath.Join(small, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 40<<20), 0o600); err == nil {
			t.Fatal("there is more room than there should be")
		}
		db := open(t, server.AdminDSN("postgres"))
		full := false
		for range 200 { // a megabyte each
			_, err := db.Exec("INSERT INTO note SELECT string_agg(gen_random_uuid()::text, '') FROM generate_series(1, 30000)")
			if err != nil {
				full = true
				break
			}
		}
		if !full {
			t.Error("the server had room for 200 MB")
		}
		restore()
		server.Start(t)
		run(t, open(t, server.AdminDSN("postgres")), "DELETE FROM note WHERE text <> 'kept'")
		mustRead(t, server, "kept")
	})
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v are left", err, left)
	}
}
