// SPDX-License-Identifier: Apache-2.0

// Package checkup examines an installation of the service, on its host and by its settings, whether it runs or not: files,
// the running service, its database, Redis and clocks. It changes nothing, and takes no lock that would keep the service
// from anything.
//
// Each check is a function in a file of its own, and a row in checks. It returns findings, of which each says what was
// found, and what to do about it where there is something to do. Checks run at once, each for a few seconds at most, and
// none depends on another: what several need to know is looked up once, in an examination. Begin with Run.
package checkup
