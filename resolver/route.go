// SPDX-License-Identifier: Apache-2.0

package resolver

// A Method is an HTTP method as far as a decision tells methods apart. HEAD is judged as GET and so has no value of
// its own.
type Method uint8

// The methods that routes can name, and OPTIONS, which no route needs: a preflight is allowed everywhere.
const (
	GET Method = iota + 1
	POST
	PUT
	PATCH
	DELETE
	OPTIONS
)

// MethodOf returns the Method spelled s. Methods are case-sensitive; ok is false for every other spelling.
func MethodOf(s string) (m Method, ok bool) {
	switch s {
	case "GET", "HEAD":
		return GET, true
	case "POST":
		return POST, true
	case "PUT":
		return PUT, true
	case "PATCH":
		return PATCH, true
	case "DELETE":
		return DELETE, true
	case "OPTIONS":
		return OPTIONS, true
	}
	return 0, false
}

// Writes reports whether a request with the method changes something.
func (m Method) Writes() bool {
	return m == POST || m == PUT || m == PATCH || m == DELETE
}

// Who says which callers a route admits. It is the third column of a row.
type Who uint8

const (
	// Public routes ask nobody who they are.
	Public Who = iota + 1
	// Browser routes are sign-in pages: a key is refused, anybody else may pass.
	Browser
	// Session routes need a browser session.
	Session
	// Owner routes need the session of a user whose role is owner.
	Owner
	// Any routes need a key or a session.
	Any
)

// Scope says what a route's requests reach. It is the fourth column of a row.
type Scope uint8

const (
	// Nothing in particular.
	Nothing Scope = iota
	// ProjectList is a list that the upstream filters by the projects which the caller may see.
	ProjectList
	// ProjectCreate makes a new project.
	ProjectCreate
	// Project is the project whose id is {projectId}.
	Project
	// ProjectSlug is the project whose slug, among the caller's own, is {projectSlug}.
	ProjectSlug
	// Service is the project of the service {serviceId}.
	Service
	// Deployment is the project of the service of the deployment {deploymentId}.
	Deployment
	// ServiceTransfer is the project of the service {serviceId}, and the one named in the request's body.
	ServiceTransfer
)

// A Route is one row of the table.
type Route struct {
	Line    int    // in the file, from 1
	Method  string // "GET", ..., or "*"
	Pattern string // as written
	Who     Who
	Scope   Scope
}

// A Match is the row that applies to a request, and the segment that its scope is about.
type Match struct {
	Route *Route
	ID    string // empty where the scope names nothing
}
