// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// A question is a request, and whether it may pass.
type question struct {
	request *authzv1.AuthorizeRequest
	allowed bool
}

// A draw draws questions about a world.
type draw struct {
	*world
	rand *rand.Rand
	next func() int // the number of a key
}

// mix is what is asked, in parts of a thousand: what people's scripts and a dashboard ask, for the most part.
var mix = []struct {
	share int
	draw  func(*draw) question
}{
	{430, (*draw).readsService},
	{160, (*draw).readsDeployment},
	{90, (*draw).readsProject},
	{80, (*draw).readsBySlug},
	{120, (*draw).writes},
	{40, (*draw).lists},
	{30, (*draw).public},
	{40, (*draw).session},
	{4, (*draw).unknownKey},
	{3, (*draw).readOnly},
	{3, (*draw).outOfScope},
}

// question draws one.
func (d *draw) question() question {
	n := d.rand.IntN(1000)
	for _, m := range mix {
		if n -= m.share; n < 0 {
			return m.draw(d)
		}
	}
	panic("the shares are not a thousand") // a test adds them up
}

// key draws one for which something is true.
func (d *draw) key(fits func(*key) bool) *key {
	for {
		if k := &d.keys[d.next()]; fits(k) {
			return k
		}
	}
}

func (d *draw) one(of ...string) string { return of[d.rand.IntN(len(of))] }

func anyKey(*key) bool       { return true }
func writer(k *key) bool     { return k.write }
func reader(k *key) bool     { return !k.write }
func restricted(k *key) bool { return k.selected != nil }

func (d *draw) readsService() question {
	k := d.key(anyKey)
	return d.ask(k, true, "GET", "/api/services/"+serviceID(serviceOf(k.project(d.rand), d.rand))+
		d.one("/overview", "/overview", "/deployments", "/runtime-logs/stream", "/database/tables", "/suggestion-keys"))
}

func (d *draw) readsDeployment() question {
	k := d.key(anyKey)
	return d.ask(k, true, "GET", "/api/deployments/"+deploymentID(deploymentOf(k.project(d.rand), d.rand))+d.one("/logs", "/stream"))
}

func (d *draw) readsProject() question {
	k := d.key(anyKey)
	return d.ask(k, true, "GET", "/api/projects/"+projectID(k.project(d.rand))+
		d.one("/database-variable-suggestions", "/env-example-variable-suggestions"))
}

func (d *draw) readsBySlug() question {
	k := d.key(anyKey)
	return d.ask(k, true, "GET", "/api/projects/"+slug(k.project(d.rand)))
}

func (d *draw) writes() question { return d.write(d.key(writer), true) }

func (d *draw) write(k *key, allowed bool) question {
	project := k.project(d.rand)
	if d.rand.IntN(5) == 0 {
		return d.ask(k, allowed, "POST", "/api/deployments/"+deploymentID(deploymentOf(project, d.rand))+"/abort")
	}
	return d.ask(k, allowed, "POST", "/api/services/"+serviceID(serviceOf(project, d.rand))+d.one("/deployments", "/deployments", "/env"))
}

func (d *draw) lists() question {
	return d.ask(d.key(anyKey), true, "GET", d.one("/api/projects", "/api/search?q=web"))
}

func (d *draw) readOnly() question { return d.write(d.key(reader), false) }

func (d *draw) outOfScope() question {
	k := d.key(restricted)
	other := (k.selected[0] + 1) % projects // no two that are selected are neighbours
	return d.ask(k, false, "GET", "/api/services/"+serviceID(serviceOf(other, d.rand))+"/overview")
}

func (d *draw) unknownKey() question {
	text := d.one(d.strangers...)
	if d.rand.IntN(2) == 0 {
		text = text[:len(text)-1] + string(text[len(text)-2]) // whose checksum is wrong
	}
	path := "/api/services/" + serviceID(d.rand.IntN(services)) + "/overview"
	return question{headers("GET", path, &authzv1.CredentialHeaders{Authorization: []string{"Bearer " + text}}), false}
}

func (d *draw) public() question {
	path := d.one("/api/health", "/api/assets/framework-icons/next.svg", "/projects")
	return question{headers("GET", path, &authzv1.CredentialHeaders{}), true}
}

func (d *draw) session() question {
	i := d.rand.IntN(len(d.sessions))
	path := "/api/system/api-keys"
	if d.rand.IntN(3) > 0 {
		path = "/api/services/" + serviceID(serviceOf(ownedBy(i%users, d.rand), d.rand)) + "/overview"
	}
	return question{headers("GET", path, &authzv1.CredentialHeaders{Cookie: []string{"aeroplane_session=" + d.world.sessions[i]}}), true}
}

// ask returns a request with a key, in the header that most clients use, or in the other one.
func (d *draw) ask(k *key, allowed bool, method, path string) question {
	text := k.Secret.Reveal()
	h := &authzv1.CredentialHeaders{Authorization: []string{"Bearer " + text}}
	if d.rand.IntN(8) == 0 {
		h = &authzv1.CredentialHeaders{XApiKey: []string{text}}
	}
	return question{headers(method, path, h), allowed}
}

func headers(method, path string, h *authzv1.CredentialHeaders) *authzv1.AuthorizeRequest {
	return &authzv1.AuthorizeRequest{Method: method, Path: path, Credential: &authzv1.AuthorizeRequest_Headers{Headers: h}}
}
