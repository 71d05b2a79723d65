// SPDX-License-Identifier: Apache-2.0

// Package control lets a test tell a running replica, from outside, to stop, die or dawdle at a named place of its code, and
// to believe in other clocks. Both ends are here: the driver has a Control, and a replica that was built for it calls Obey.
//
// They meet in a directory. The driver writes its Orders there whole, and goes on when the replica has said that it follows
// them, so that what happens next happens under them.
package control

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Variable names the variable of the environment that tells a replica the directory of its orders.
const Variable = "AEROPLANE_AUTHZ_TEST_CONTROL"

// The files in the directory.
const (
	ordersFile  = "orders"  // written by the driver, and replaced whole
	obeyedFile  = "obeyed"  // the number of the orders that are followed, written by the replica
	reachedFile = "reached" // a line for each time that the replica came to a place with an Order
)

// Orders are what a replica is told. The zero Orders tell it to behave as ever.
type Orders struct {
	// Places are what to do at places in the code, by their names.
	Places map[string]Order `json:",omitempty"`
	// Rate is how fast the boot clock runs. Zero: as it does.
	Rate float64 `json:",omitempty"`
	// Boot and Wall are by how much the boot clock and the wall clock are ahead of what the kernel says. A machine that was
	// suspended has both ahead by the same. Boot never falls.
	Boot, Wall time.Duration `json:",omitempty"`
}

// An Order is what to do at a place. The zero Order is nothing.
type Order struct {
	// Do is what to do.
	Do Deed
	// For is how long a Delay is.
	For time.Duration `json:",omitempty"`
	// Times is how often. Zero: every time.
	Times int `json:",omitempty"`
}

// A Deed is what a replica may be told to do.
type Deed string

// The deeds.
const (
	Delay Deed = "delay" // whoever comes to the place, for a time
	Hold  Deed = "hold"  // whoever comes to the place, until other orders come
	Stop  Deed = "stop"  // the whole process, by SIGSTOP, until somebody wakes it
	Die   Deed = "die"   // the whole process, by SIGKILL
)

// A Control is the driver's end. Its methods are for one goroutine at a time.
type Control struct {
	dir    string
	number int
}

// numbered are orders with the number that they are told by.
type numbered struct {
	Number int
	Orders
}

// New makes a Control in an empty directory.
func New(dir string) *Control { return &Control{dir: dir} }

// Env returns what has to be in the environment of the replica.
func (c *Control) Env() string { return Variable + "=" + c.dir }

// Order gives new orders in place of those before. A replica that is not running will follow them from its start on.
func (c *Control) Order(o Orders) error {
	c.number++
	text, err := json.Marshal(numbered{c.number, o})
	if err != nil {
		return err
	}
	return replace(filepath.Join(c.dir, ordersFile), text)
}

// Obeyed reports whether the replica follows the last orders.
func (c *Control) Obeyed() bool {
	text, err := os.ReadFile(filepath.Join(c.dir, obeyedFile))
	var number int
	return err == nil && json.Unmarshal(text, &number) == nil && number == c.number
}

// Reached returns how often the replica came to a place for which it had an Order, since the directory was made.
func (c *Control) Reached(place string) (n int) {
	text, err := os.ReadFile(filepath.Join(c.dir, reachedFile))
	if err != nil {
		return 0 // it never did
	}
	for line := range strings.Lines(string(text)) {
		if strings.TrimSuffix(line, "\n") == place {
			n++
		}
	}
	return n
}

// replace writes a file so that whoever reads it reads all of it, or all of the one before.
func replace(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// read returns the orders in a directory. None are the zero Orders, number 0.
func read(dir string) (n numbered, err error) {
	text, err := os.ReadFile(filepath.Join(dir, ordersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return numbered{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	return n, err
}
