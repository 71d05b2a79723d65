// SPDX-License-Identifier: Apache-2.0

// Package apikey is the text form of an API key: minting, parsing and hashing. It is pure; nothing here
// knows which keys exist.
//
// A key of our own is 69 characters,
//
//	ap_ <identifier: 16> _ <secret: 43> <checksum: 6>
//
// all of them letters and digits but for the two separators. The identifier is public: it is the key's id and is
// displayed. The secret holds 256.03 random bits. The checksum is the CRC-32 of all that precedes it, in base 62, so
// that a mistyped or invented key is refused before a database is asked and a scanner that finds a match of Pattern can tell a
// leaked key from look-alikes offline. It is no protection against forgery: the secret is.
//
// Aeroplane's own keys, which may be imported, are 55 characters, ap_ <8> _ <43>, both parts unpadded base64url. The
// two formats differ in length, so a text is never of both.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"regexp"
	"strings"
	"unsafe"

	"aeroplane.run/authz/internal/secret"
)

// Pattern matches keys of our own format, for secret scanners: RE2 syntax, to be confirmed by the checksum.
const Pattern = `\bap_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}\b`

// keys matches what a log must not hold: keys of either form, wherever they stand, whole or more than whole.
var keys = regexp.MustCompile(`ap_[0-9A-Za-z_-]{8,16}_[0-9A-Za-z_-]{32,}`)

// Redact returns text with what follows the displayed part of each key in it taken out.
func Redact(text string) string {
	return keys.ReplaceAllStringFunc(text, func(key string) string { return key[:importShow] + "[redacted]" })
}

const (
	brand      = "ap_"
	idLen      = 16
	secretLen  = 43 // 62^43 > 2^256
	sumLen     = 6  // 62^6 > 2^32
	bodyLen    = len(brand) + idLen + 1 + secretLen
	ownLen     = bodyLen + sumLen
	importLen  = len(brand) + 8 + 1 + 43
	importShow = len(brand) + 8

	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// A Digest is the SHA-256 of a whole key, or of a session's token. It is what is stored, and what facts are looked up
// by. A fast hash will do: what it covers has at least 256 random bits.
type Digest [sha256.Size]byte

// DigestOf returns the Digest of text.
func DigestOf(text string) Digest { return sha256.Sum256(bytesOf(text)) }

// Equal compares in constant time, as crypto/subtle would, but eight bytes at a time.
func (d Digest) Equal(e Digest) bool {
	var differ uint64
	for at := 0; at < len(d); at += 8 {
		differ |= binary.NativeEndian.Uint64(d[at:]) ^ binary.NativeEndian.Uint64(e[at:])
	}
	return differ == 0
}

// A Minted key is a new one, with its secret.
type Minted struct {
	ID     string      // the identifier
	Prefix string      // what may be displayed: "ap_" and the identifier
	Secret secret.Text // the whole key
	Digest Digest      // what is stored of it
}

// Mint makes a new key of our own format.
func Mint() Minted {
	id := random(idLen)
	body := brand + id + "_" + random(secretLen)
	sum := checksum(body)
	text := body + string(sum[:])
	return Minted{ID: id, Prefix: brand + id, Secret: secret.New(text), Digest: DigestOf(text)}
}

// A Form is what can be told of a key from its text alone.
type Form uint8

const (
	// Malformed is the text of no key: it need not be looked up.
	Malformed Form = iota
	// Own is a key of our own format whose checksum is right.
	Own
	// Imported is a key of Aeroplane's format. It has no checksum.
	Imported
)

// HasLength reports whether a text is as long as a key.
func HasLength(text string) bool { return len(text) == ownLen || len(text) == importLen }

// FormOf tells the form of text.
func FormOf(text string) Form {
	switch len(text) {
	case ownLen:
		if text[:len(brand)] == brand && text[len(brand)+idLen] == '_' &&
			all(text[len(brand):len(brand)+idLen], alphanumeric) &&
			all(text[len(brand)+idLen+1:bodyLen], alphanumeric) &&
			[sumLen]byte(bytesOf(text[bodyLen:])) == checksum(text[:bodyLen]) {
			return Own
		}
	case importLen:
		if text[:len(brand)] == brand && text[importShow] == '_' &&
			all(text[len(brand):importShow], base64url) && all(text[importShow+1:], base64url) {
			return Imported
		}
	}
	return Malformed
}

// checksum returns the CRC-32 (IEEE) of body in base 62, most significant digit first.
func checksum(body string) (digits [sumLen]byte) {
	sum := crc32.ChecksumIEEE(bytesOf(body))
	for i := sumLen - 1; i >= 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return digits
}

// bytesOf returns the bytes of text, to be read alone. To convert it would copy it for each decision.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// random returns n characters of base62, each drawn uniformly: bytes that would favour some are drawn again.
func random(n int) string {
	var b strings.Builder
	var buf [64]byte
	for b.Len() < n {
		rand.Read(buf[:]) // never fails: the runtime aborts when the system has no randomness
		for _, c := range buf {
			if c < 62*4 && b.Len() < n {
				b.WriteByte(base62[c%62])
			}
		}
	}
	return b.String()
}

// A set says which bytes are in it.
type set [256]bool

var (
	alphanumeric = setOf(base62)
	base64url    = setOf(base62 + "-_")
)

func setOf(members string) *set {
	s := new(set)
	for i := range len(members) {
		s[members[i]] = true
	}
	return s
}

// all reports whether every byte of text is in the set.
func all(text string, s *set) bool {
	every := true
	for i := range len(text) {
		every = every && s[text[i]]
	}
	return every
}
