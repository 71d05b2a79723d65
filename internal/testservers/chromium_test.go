// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/testservers"
)

func TestABrowserAnswers(t *testing.T) {
	b := testservers.Chromium(t)
	if again := testservers.Chromium(t); again != b {
		t.Error("a second call started a second browser")
	}
	if _, err := io.WriteString(b.Commands, `{"id":1,"method":"Browser.getVersion"}`+"\x00"); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(b.Answers).ReadString(0)
	if err != nil || !strings.Contains(answer, `"id":1`) || !strings.Contains(answer, "Chrome/") {
		t.Errorf("%s, %v\n%s", answer, err, b.Log())
	}
}

func TestABrowserIsNotRunByRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("nobody else is root either")
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(testservers.Chromium(t).Pid()) + "/status")
	if err != nil {
		t.Skip(err)
	}
	if strings.Contains(string(status), "\nUid:\t0") {
		t.Error("it is")
	}
}
