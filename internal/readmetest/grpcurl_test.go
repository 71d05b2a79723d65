// SPDX-License-Identifier: Apache-2.0

package readmetest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

// A grpcurlCall is a call in JSON, and a piece of the answer. In both, KEY is the id of the key that was created.
type grpcurlCall struct{ method, request, answer string }

const tokenHash = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" // SHA-256 of nothing

// Every RPC there is, in an order in which each finds something to do.
var grpcurlCalls = []grpcurlCall{
	{"CatalogService/PutProject", `{"project":{"id":"p","slug":"web","name":"Web","ownerId":"u"}}`, `"slug": "web"`},
	{"CatalogService/BatchPutProjects", `{"projects":[{"id":"p","slug":"web","ownerId":"u"},{"id":"q","slug":"q"}]}`, `"changedCount": 2`},
	{"CatalogService/PutService", `{"service":{"id":"s","projectId":"p"}}`, `"projectId": "p"`},
	{"CatalogService/BatchPutServices", `{"services":[{"id":"s","projectId":"p"},{"id":"t","projectId":"q"}]}`, `"changedCount": 1`},
	{"CatalogService/PutDeployment", `{"deployment":{"id":"d","serviceId":"s"}}`, `"serviceId": "s"`},
	{"CatalogService/BatchPutDeployments", `{"deployments":[{"id":"e","serviceId":"t"}]}`, `"changedCount": 1`},
	{"CatalogService/ListProjects", `{"ownerId":"u"}`, `"id": "p"`},
	{"CatalogService/ListServices", `{"projectId":"p","pageSize":1}`, `"id": "s"`},
	{"CatalogService/ListDeployments", `{}`, `"id": "e"`},
	{"SessionService/PutSession", `{"session":{"tokenSha256":"` + tokenHash + `","userId":"u","role":"USER_ROLE_OWNER",` +
		`"expireTime":"2100-01-01T00:00:00Z"}}`, `USER_ROLE_OWNER`},
	{"KeyService/CreateKey", `{"name":"ci","userId":"u","accessLevel":"ACCESS_LEVEL_READ","projects":{"projectIds":["p"]},` +
		`"expiresIn":"3600s","requestId":"r"}`, `"secret": "ap_`},
	{"KeyService/GetKey", `{"id":"KEY"}`, `KEY_STATE_LIVE`},
	{"KeyService/ListKeys", `{"projectId":"p","states":["KEY_STATE_LIVE"]}`, `"KEY"`},
	{"AuthorizationService/Authorize", `{"method":"GET","path":"/api/health"}`, `"allowed": true`},
	{"AuthorizationService/BatchAuthorize", `{"requests":[{"method":"GET","path":"/api/health"}]}`, `"allowed": true`},
	{"AuthorizationService/AuthorizeStream", `{"id":"7","request":{"method":"GET","path":"/api/health"}}`, `"id": "7"`},
	{"AuthorizationService/Authorize", `{"method":"GET","path":"/api/projects","headers":{"authorization":["Bearer x"]}}`,
		`"httpStatus": 401`},
	{"ExplanationService/ExplainAuthorize", `{"method":"POST","path":"/api/projects","keyId":"KEY"}`, `CHECK_OUTCOME_REFUSED`},
	{"KeyService/RevokeKey", `{"id":"KEY"}`, `KEY_STATE_REVOKED`},
	{"KeyService/RevokeKey", `{"id":"KEY"}`, `"alreadyRevoked": true`},
	{"KeyService/RevokeKeysOfUser", `{"userId":"u"}`, `"barrier": "BARRIER_ACKED"`},
	{"SessionService/RevokeSession", `{"tokenSha256":"` + tokenHash + `"}`, `"barrier": "BARRIER_ACKED"`},
	{"SessionService/RevokeSessionsOfUser", `{"userId":"u"}`, `"barrier": "BARRIER_ACKED"`},
	{"CatalogService/DeleteDeployment", `{"id":"d"}`, `"deleted": true`},
	{"CatalogService/BatchDeleteDeployments", `{"ids":["d","e"]}`, `"deletedCount": 1`},
	{"CatalogService/DeleteService", `{"id":"s"}`, `"deleted": true`},
	{"CatalogService/BatchDeleteServices", `{"ids":["t"]}`, `"deletedCount": 1`},
	{"CatalogService/DeleteProject", `{"id":"p"}`, `"deleted": true`},
	{"CatalogService/BatchDeleteProjects", `{"ids":["q"]}`, `"deletedCount": 1`},
	{"CatalogService/SyncCatalog", `{"begin":{"revision":7,"source":"curl"}} {"items":{"projects":[{"id":"p","slug":"p"}],"services":[{"id":"s","projectId":"p"}]}}` +
		` {"end":{"itemCount":2}}`, `"newCount": 1`},
	{"CatalogService/GetSyncState", `{}`, `"source": "curl"`},
	{"CatalogService/ReportSync", `{"trouble":"it is locked"}`, `{}`},
	{"AuditService/ListEvents", `{"subjectId":"KEY","action":"key.revoke"}`, `"tokenName": "test"`},
}

// grpcurl, which knows nothing of the contract but what reflection tells it, drives every RPC.
func TestGrpcurlDrivesEveryRPC(t *testing.T) {
	tool, err := filepath.Abs("../../.bin/grpcurl")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Fatalf("%v: `make tools` installs it, and so does `make test`", err)
	}
	t.Run("sqlite", func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		driveWithGrpcurl(t, tool, store)
	})
	t.Run("postgres", func(t *testing.T) {
		store, err := postgres.Open(t.Context(), postgres.Config{DSN: testservers.Postgres(t).NewDatabase(t), Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		driveWithGrpcurl(t, tool, store)
	})
}

func driveWithGrpcurl(t *testing.T, tool string, store authz.Store) {
	run := servertest.Start(t, servertest.Options{Store: store})
	left := everyMethod()
	keyID := "none yet"
	for _, c := range grpcurlCalls {
		method := "aeroplane.authz.v1." + c.method
		delete(left, method)
		cmd := exec.CommandContext(t.Context(), tool, "-plaintext", "-H", "authorization: Bearer "+run.AdminToken,
			"-d", replaceKey(c.request, keyID), run.Addr, method)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), replaceKey(c.answer, keyID)) {
			t.Errorf("%s %s: %v\n%s\nwant %s", c.method, c.request, err, out, c.answer)
		}
		if _, after, ok := strings.Cut(string(out), `"secret": "ap_`); ok {
			keyID = after[:16]
		}
	}
	for method := range left {
		t.Errorf("%s is not driven: add a call", method)
	}
}

// replaceKey leaves KEY_STATE_LIVE and the like alone.
func replaceKey(text, id string) string { return strings.ReplaceAll(text, `"KEY"`, `"`+id+`"`) }

// everyMethod returns the methods of the contract.
func everyMethod() map[string]bool {
	methods := map[string]bool{}
	for _, file := range []protoreflect.FileDescriptor{
		authzv1.File_aeroplane_authz_v1_authorization_proto, authzv1.File_aeroplane_authz_v1_keys_proto,
		authzv1.File_aeroplane_authz_v1_catalog_proto, authzv1.File_aeroplane_authz_v1_sessions_proto,
		authzv1.File_aeroplane_authz_v1_audit_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				methods[string(service.FullName())+"/"+string(service.Methods().Get(j).Name())] = true
			}
		}
	}
	return methods
}
