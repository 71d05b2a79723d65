// SPDX-License-Identifier: Apache-2.0

package server

import "time"

// Registered returns the full name of every method that can be called, and whether it is a stream.
func (s *Server) Registered() map[string]bool {
	streams := make(map[string]bool)
	for service, info := range s.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			streams["/"+service+"/"+m.Name] = m.IsClientStream || m.IsServerStream
		}
	}
	return streams
}

// Rows returns the full name of every method that the table of access names.
func Rows() (rows []string) {
	for method := range methods {
		rows = append(rows, method)
	}
	return rows
}

// StopHealth is the first thing that Drain does.
func (s *Server) StopHealth() { s.health.stop() }

// OutcomeOf is what the observer is told of a change that ended with err.
var OutcomeOf = outcomeOf

// BePatient sets how long streams wait for clients that take no answers.
func BePatient(d time.Duration) { patience = d }
