// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
)

// newKey makes an entry key.
func newKey() secret.Text {
	raw := make([]byte, entryKeySize)
	_, _ = rand.Read(raw)
	return secret.New(string(raw))
}

func subjects() []authz.Subject {
	return []authz.Subject{
		authz.KeySubject(authz.Digest{1}), authz.SessionSubject(authz.Digest{1}),
		{Kind: authz.OfService, ID: "one"}, {Kind: authz.OfDeployment, ID: "one"}, {Kind: authz.OfProject, ID: "one"},
		authz.SlugSubject("one", ""), authz.SlugSubject("one", "user"), authz.SlugOfAnySubject("one"),
		{Kind: authz.OfUser, ID: ""}, {Kind: authz.OfUser, ID: "user"},
	}
}

func TestAnEntryOpensUnderItsNameWithItsKey(t *testing.T) {
	t.Parallel()
	s, other := newSealer(newKey()), newSealer(newKey())
	subject := authz.KeySubject(authz.Digest{1})
	name := s.name(subject)
	for what, record := range examples {
		entry, ok := s.seal(name, record, revision)
		if !ok {
			t.Fatalf("%s: not sealed", what)
		}
		if got, rev, ok := s.open(name, entry); !ok || rev != revision || !reflect.DeepEqual(got, record) {
			t.Errorf("%s: %+v, %v, %v", what, got, rev, ok)
		}
		if _, _, ok := other.open(name, entry); ok {
			t.Errorf("%s: opens with another key", what)
		}
		for _, another := range subjects()[1:] {
			if _, _, ok := s.open(s.name(another), entry); ok {
				t.Errorf("%s: opens as the entry of %v %q", what, another.Kind, another.ID)
			}
		}
	}
}

// TestADamagedEntryDoesNotOpen changes every bit, and cuts and lengthens.
func TestADamagedEntryDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := newSealer(newKey())
	name := s.name(authz.KeySubject(authz.Digest{1}))
	entry, _ := s.seal(name, examples["key for some"], revision)
	damaged := func(what string, b []byte) {
		t.Helper()
		if _, _, ok := s.open(name, b); ok {
			t.Errorf("opens with %s", what)
		}
	}
	for i := range len(entry) * 8 {
		flipped := bytes.Clone(entry)
		flipped[i/8] ^= 1 << (i % 8)
		damaged(fmt.Sprintf("bit %d changed", i), flipped)
	}
	for n := range entry {
		damaged(fmt.Sprintf("%d bytes alone", n), entry[:n])
	}
	damaged("a byte more", append(bytes.Clone(entry), 0))
	next := bytes.Clone(entry)
	next[0]++
	damaged("the next version", next)
}

// TestNothingShows looks for what is kept in its name and in the entry.
func TestNothingShows(t *testing.T) {
	t.Parallel()
	s := newSealer(newKey())
	digest := authz.Digest{}
	copy(digest[:], "0123456789abcdef0123456789abcdef")
	record := authz.Record{Session: &authz.Session{Digest: digest, UserID: "somebody-we-know"}}
	name := s.name(authz.SessionSubject(digest))
	entry, _ := s.seal(name, record, revision)
	for _, text := range []string{string(digest[:]), "somebody-we-know", fmt.Sprintf("%x", digest),
		base64.RawURLEncoding.EncodeToString(digest[:])} {
		if strings.Contains(name, text) || bytes.Contains(entry, []byte(text)) {
			t.Errorf("%q shows in %q or its entry", text, name)
		}
	}
	again, _ := s.seal(name, record, revision)
	if bytes.Equal(entry[:1+saltSize+12], again[:1+saltSize+12]) {
		t.Error("two entries have one salt and nonce")
	}
}

func TestNamesAreDistinctAndTheSameEverywhere(t *testing.T) {
	t.Parallel()
	key := newKey()
	s, replica, other := newSealer(key), newSealer(key), newSealer(newKey())
	seen := map[string]authz.Subject{}
	for _, subject := range subjects() {
		name := s.name(subject)
		if same, ok := seen[name]; ok {
			t.Errorf("%v and %v have one name", same, subject)
		}
		seen[name] = subject
		if replica.name(subject) != name {
			t.Errorf("%v has another name on another replica", subject)
		}
		if other.name(subject) == name {
			t.Errorf("%v has the same name with another key", subject)
		}
		if !strings.HasPrefix(name, prefix) || len(name) != len(prefix)+43 {
			t.Errorf("%v has the name %q", subject, name)
		}
	}
}

func TestEntriesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSealer(newKey())
	fits := func(size int) bool {
		record := authz.Record{Parent: strings.Repeat("x", size)}
		entry, ok := s.seal("name", record, revision)
		if !ok {
			return false
		}
		_, _, ok = s.open("name", entry)
		return ok && len(entry) <= maxEntry
	}
	const around = 8 + 8 + 2 + 3 + 1 // revision, flags, length of the parent, projects
	if most := maxEntry - overhead - around; !fits(most) || fits(most+1) {
		t.Errorf("%d: %v; one more: %v", most, fits(most), fits(most+1))
	}
	if _, _, ok := s.open("name", make([]byte, maxEntry+1)); ok {
		t.Error("what is larger opens")
	}
}

func BenchmarkSeal(b *testing.B) {
	s := newSealer(newKey())
	name := s.name(authz.KeySubject(authz.Digest{1}))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := s.seal(name, examples["key for some"], revision); !ok {
			b.Fatal("not sealed")
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	s := newSealer(newKey())
	name := s.name(authz.KeySubject(authz.Digest{1}))
	entry, _ := s.seal(name, examples["key for some"], revision)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := s.open(name, entry); !ok {
			b.Fatal("does not open")
		}
	}
}

func BenchmarkName(b *testing.B) {
	s := newSealer(newKey())
	b.ReportAllocs()
	for b.Loop() {
		s.name(authz.KeySubject(authz.Digest{1}))
	}
}
