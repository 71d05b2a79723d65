// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
)

// version is that of the names, the sealing and the encoding together. Programs of different versions keep to their own
// entries.
const (
	version = 2
	prefix  = "aeroplane-authz:2:"
)

// A sealer seals entries, and names them, with one entry key. From that come two keys that are used: whoever learns one of
// them, or breaks what it is used with, knows nothing of the other.
type sealer struct {
	naming  []byte
	sealing []byte
}

const (
	saltSize = 16
	tagSize  = 16 + 12 // of GCM, with the nonce
	overhead = 1 + saltSize + tagSize
)

func newSealer(key secret.Text) *sealer {
	return &sealer{
		naming:  derive(hkdf.Key(sha256.New, []byte(key.Reveal()), nil, "aeroplane-authz redis 2: names", 32)),
		sealing: derive(hkdf.Key(sha256.New, []byte(key.Reveal()), nil, "aeroplane-authz redis 2: entries", 32)),
	}
}

// derive is what HKDF returned. It fails only when asked for more bytes than there are.
func derive(key []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return key
}

// name returns the name that a subject's entry has in Redis: the same on every replica, and for whoever does not have the
// entry key as good as random. The names show to whoever may look at Redis, in its slow log and its dumps as well. A key's
// digest there could be compared with guesses, and ids tell who is a customer; a plain hash of an id can be guessed, too.
func (s *sealer) name(subject authz.Subject) string {
	mac := hmac.New(sha256.New, s.naming)
	mac.Write([]byte{byte(subject.Kind)})
	mac.Write([]byte(subject.ID))
	return prefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// seal returns the entry for a record, and false where it would be too large, or not come back as it is:
//
//	version: 1 | salt: 16 | nonce: 12 | AES-256-GCM of the encoding | tag: 16
//
// The version and the name are authenticated too, so that an entry opens under its own name alone.
//
// Each entry is sealed with a key of its own, expanded from the salt. With random nonces one key would be good for 2^32
// entries, and the replicas together can put so many within days. Here something goes wrong only if two entries have both
// the same salt and the same nonce, which are 224 random bits: among 2^64 entries with a chance of 2^-97.
func (s *sealer) seal(name string, r authz.Record, at authz.Revision) ([]byte, bool) {
	plain, ok := encode(r, at)
	if !ok || len(plain)+overhead > maxEntry {
		return nil, false
	}
	entry := make([]byte, 1+saltSize, len(plain)+overhead)
	entry[0] = version
	salt := entry[1:]
	_, _ = rand.Read(salt) // never fails
	return s.aead(salt).Seal(entry, nil, plain, associated(name)), true
}

// open is the inverse of seal. It reports false for what this sealer did not seal for that name.
func (s *sealer) open(name string, entry []byte) (authz.Record, authz.Revision, bool) {
	if len(entry) < overhead || len(entry) > maxEntry || entry[0] != version {
		return authz.Record{}, authz.Revision{}, false
	}
	salt, sealed := entry[1:1+saltSize], entry[1+saltSize:]
	plain, err := s.aead(salt).Open(nil, nil, sealed, associated(name))
	if err != nil {
		return authz.Record{}, authz.Revision{}, false
	}
	return decode(plain)
}

func associated(name string) []byte { return append([]byte{version}, name...) }

// aead returns what seals the entry with a salt.
func (s *sealer) aead(salt []byte) cipher.AEAD {
	block, err := aes.NewCipher(derive(hkdf.Expand(sha256.New, s.sealing, string(salt), 32)))
	if err != nil {
		panic(err) // of the length of the key
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // of the kind of the cipher
	}
	return gcm
}
