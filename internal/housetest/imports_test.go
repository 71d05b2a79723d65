// SPDX-License-Identifier: Apache-2.0

package housetest

import (
	"fmt"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const module = "aeroplane.run/authz"

// picture says who may import whom, beside the standard library, which all may: for each package of the module (by its
// folder) others of them, and modules of others. ARCHITECTURE.md draws it. Tests may import what they like.
var picture = map[string][]string{
	// The leaves and the core.
	"internal/secret":  {},
	"internal/apikey":  {"internal/secret"},
	"internal/datadir": {},
	"internal/stripe":  {},
	"internal/door":    {},
	"resolver":         {},
	".":                {"resolver", "internal/apikey", "internal/secret"},
	// The protocol that keeps caches honest. Databases and the shelf implement its ports.
	"internal/fence": {".", "internal/stripe"},

	// The edges: the core, a leaf at need, and one outside technology each. They do not know each other.
	"server": {".", "gen/...", "internal/apikey", "internal/secret", "internal/door", "internal/console", "internal/openapi",
		"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto/googleapis/rpc", "google.golang.org/genproto/googleapis/api",
		"github.com/grpc-ecosystem/grpc-gateway/v2", "github.com/envoyproxy/go-control-plane/envoy"},
	"gen/aeroplane/authz/v1": {"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto/googleapis/api"},
	"gen/rest/aeroplane/authz/v1": {"gen/...", "google.golang.org/grpc", "google.golang.org/protobuf",
		"github.com/grpc-ecosystem/grpc-gateway/v2"},
	"internal/console":          {},
	"internal/openapi":          {},
	"internal/openapi/assemble": {},
	"internal/settings":         {"internal/secret", "github.com/BurntSushi/toml"},
	"internal/sqlstore":         {".", "internal/fence", "github.com/pressly/goose/v3"},
	"internal/sqlite": {".", "internal/fence", "internal/sqlstore", "internal/datadir",
		"modernc.org/sqlite", "github.com/pressly/goose/v3", "github.com/gofrs/flock"},
	"internal/aeroplane":  {".", "internal/apikey", "modernc.org/sqlite"},
	"internal/rediscache": {".", "internal/secret", "github.com/redis/go-redis/v9"},
	"internal/metrics":    {".", "internal/fence", "internal/stripe", "github.com/prometheus/client_golang"},
	"internal/ops":        {},
	"internal/postgres": {".", "internal/fence", "internal/sqlstore",
		"github.com/lib/pq", "github.com/pressly/goose/v3"},

	// What keeps the one in step with the other.
	"internal/follow": {".", "internal/aeroplane"},

	// What decides, put together; and the same for the process of a gateway.
	"internal/replica": {".", "resolver", "internal/fence", "internal/metrics", "internal/sqlite", "internal/postgres", "internal/rediscache"},
	"embedded": {".", "resolver", "internal/replica", "internal/metrics", "internal/sqlite", "internal/postgres", "internal/rediscache",
		"internal/secret", "github.com/prometheus/client_golang"},

	// What gateways in Go ask with: nothing of the service but the contract.
	"client": {"gen/...", "internal/door", "internal/secret", "google.golang.org/grpc"},

	// Wiring, and what is used by tests and readers alone.
	"cmd/aeroplane-authz":     {"..."},
	"examples/gateway":        {"client"},
	"examples/embedded":       {".", "embedded"},
	"bench":                   {"..."},
	"bench/empty":             {"gen/...", "google.golang.org/grpc", "google.golang.org/protobuf"},
	"bench/proxy":             {"client"},
	"bench/empty/emptyserver": {"bench/empty", "gen/...", "server", "google.golang.org/grpc"},
	"conformance":             {"..."},
	"internal/storetest":      {"..."},
	"internal/faultproxy":     {},

	// What takes the protocol apart.
	"internal/fence/mutants":    {},
	"internal/fence/simulation": {},
	"internal/torture":          {"..."},
	"internal/torture/cluster":  {"..."},
	"internal/torture/control":  {},
	"internal/torture/history":  {"github.com/anishathalye/porcupine"},

	"internal/aeroplane/aeroplanetest": {"modernc.org/sqlite"},

	"server/servertest":    {"..."},
	"internal/testservers": {"github.com/lib/pq"},
	"internal/browsertest": {"internal/testservers", "github.com/chromedp/chromedp", "github.com/chromedp/cdproto"},
	"internal/scrape":      {},
	// Wiring of another kind: it asks the service, and the gateway.
	"internal/doctor": {"client", "gen/...", "internal/door", "google.golang.org/grpc"},
	"internal/checkup": {".", "gen/...", "internal/aeroplane", "internal/apikey", "internal/datadir", "internal/settings", "internal/sqlite", "internal/sqlstore", "internal/postgres",
		"internal/rediscache", "internal/scrape", "google.golang.org/grpc"},
	"internal/doctor/doctortest": {"client", "gen/...", "internal/door", "internal/testservers"},
	"internal/housetest":         {},
	"internal/readmetest":        {},
}

// forTestsAlone are packages and modules that nothing else may import, whatever it may besides.
var forTestsAlone = []string{"internal/browsertest", "github.com/chromedp/chromedp", "github.com/chromedp/cdproto"}

// checkImports looks at every import of every file that is not a test, for whatever system it is built.
func checkImports(t tree) (complaints []string) {
	unknown := map[string]bool{}
	for _, name := range t.files("*.go") {
		folder := path.Dir(name)
		if foreign(t, folder) {
			continue
		}
		allowed, ok := picture[folder]
		if !ok {
			if !unknown[folder] {
				complaints = append(complaints, folder+": not in the picture of who may import whom")
			}
			unknown[folder] = true
			continue
		}
		if isTest(name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, t.text(name), parser.ImportsOnly)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil || !mayImport(allowed, imported) {
				complaints = append(complaints, fmt.Sprintf("%s: %s may not import %s", name, folder, imported))
			}
		}
	}
	return complaints
}

// foreign reports whether a folder is outside the module: in a module of its own, or test data.
func foreign(t tree, folder string) bool {
	for ; folder != "."; folder = path.Dir(folder) {
		if path.Base(folder) == "testdata" || t.has(path.Join(folder, "go.mod")) {
			return true
		}
	}
	return false
}

func mayImport(allowed []string, imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	folder, ours := ".", imported == module
	if rest, ok := strings.CutPrefix(imported, module+"/"); ok {
		folder, ours = rest, true
	}
	names := func(a string) bool {
		if ours {
			return folder == a
		}
		return imported == a || strings.HasPrefix(imported, a+"/")
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		prefix, family := strings.CutSuffix(a, "...")
		switch {
		case family && prefix == "":
			return !slices.ContainsFunc(forTestsAlone, names)
		case ours && family:
			return strings.HasPrefix(folder, prefix)
		}
		return names(a)
	})
}

var requirement = regexp.MustCompile(`(?m)^(?:require)?\s+([^\s/]+\.[^\s/]+/\S+) v\S+$`) // not "// indirect"

// checkDependencies wants a reason for each direct dependency, where the reader looks for it.
func checkDependencies(t tree) (complaints []string) {
	reasons := t.text("ARCHITECTURE.md")
	for _, match := range requirement.FindAllStringSubmatch(t.text("go.mod"), -1) {
		if !strings.Contains(reasons, "`"+match[1]+"`") {
			complaints = append(complaints, "go.mod: ARCHITECTURE.md gives no reason for "+match[1])
		}
	}
	return complaints
}
