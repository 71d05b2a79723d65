// SPDX-License-Identifier: Apache-2.0

package testservers

// Running reports whether the server's process has not ended. A frozen one has not.
func (p *PostgresProcess) Running() bool { return !p.process.ended() }

// Running reports whether the server's process has not ended. A frozen one has not.
func (s *RedisServer) Running() bool { return !s.process.ended() }
