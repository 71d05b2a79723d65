// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// ReloadingCertificate returns a function for tls.Config.GetCertificate that serves what is in two PEM files now. A
// pair that cannot be used is an error at first; later it is logged, once, and the pair before it stays in use, so that
// files may be replaced one after the other, while connections come in.
func ReloadingCertificate(certFile, keyFile string, log *slog.Logger) (
	func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	p := &pair{certFile: certFile, keyFile: keyFile, log: log}
	if err := p.load(); err != nil {
		return nil, fmt.Errorf("TLS certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.current(), nil }, nil
}

// A pair is a certificate and its key.
type pair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu        sync.Mutex // guards what follows
	inUse     *tls.Certificate
	cert, key []byte // what inUse was made of
	complaint string // why the files cannot be used now; empty: they are in use
}

// current reads the files at every handshake, which costs far more than that: unlike times and sizes, contents do not
// deceive.
func (p *pair) current() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.inUse
	complaint := ""
	if err := p.load(); err != nil {
		complaint = err.Error()
	}
	switch {
	case complaint != "" && complaint != p.complaint:
		p.log.Error("the new TLS certificate cannot be used: staying with the old one",
			"certificate", p.certFile, "key", p.keyFile, "error", complaint)
	case p.inUse != before:
		p.log.Info("TLS certificate reloaded", "certificate", p.certFile)
	}
	p.complaint = complaint
	return p.inUse
}

// load puts what is in the files into use, unless it is in use.
func (p *pair) load() error {
	cert, err := os.ReadFile(p.certFile)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(p.keyFile)
	if err != nil {
		return err
	}
	if p.inUse != nil && bytes.Equal(cert, p.cert) && bytes.Equal(key, p.key) {
		return nil
	}
	loaded, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return err
	}
	p.cert, p.key, p.inUse = cert, key, &loaded
	return nil
}
