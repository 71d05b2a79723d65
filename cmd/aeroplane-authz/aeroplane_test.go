// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// aeroplanes are those that scripts have started, by the path of their file.
var aeroplanes sync.Map

// haveAeroplane starts an Aeroplane for a script, or has the script's own execute a statement.
func haveAeroplane(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) > 0 {
		a, ok := aeroplanes.Load(ts.Getenv("AEROPLANE"))
		if !ok {
			ts.Fatalf("there is no Aeroplane")
		}
		_, err := a.(*aeroplanetest.Aeroplane).Try(strings.Join(args, " "))
		ts.Check(err)
		return
	}
	a := aeroplanetest.Start(t)
	a.User("ada", "owner")
	a.User("bob", "user")
	a.Project("p-web", "ada", "web")
	a.Project("p-shop", "ada", "shop")
	a.Service("svc", "p-web")
	a.Deployment("dep", "svc")
	_, key := a.Key(aeroplanetest.Key{ID: "key-1", User: "ada", Access: "write", Selected: true, Projects: []string{"p-web"}})
	aeroplanes.Store(a.Path, a)
	ts.Setenv("AEROPLANE", a.Path)
	ts.Setenv("KEY", key)
	ts.Setenv("SESSION", a.Session("session-1", "ada", time.Now().Add(time.Hour)))
}

// eventually runs a program again and again.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(poll) {
		err := ts.Exec(args[0], args[1:]...)
		if (err != nil) == neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("never as it should be: %v", err)
		}
	}
}
