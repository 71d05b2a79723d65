// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3" // which the file names
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3" // which the file names
	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// checkEnvoy reads an Envoy configuration as Envoy would, by its published messages, in which an unknown field, a type that is none or a
// value out of bounds is an error, and then looks at what the sample promises.
func checkEnvoy(path string) (complaints []string, err error) {
	bootstrap, err := readEnvoy(path)
	if err != nil {
		return nil, err
	}
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	connections, checks := 0, 0
	err = walk(bootstrap.ProtoReflect(), func(m proto.Message) error {
		switch m := m.(type) {
		case *corev3.SocketAddress:
			if ip, err := netip.ParseAddr(m.GetAddress()); err != nil || !ip.IsLoopback() {
				complain("%s is not loopback", m.GetAddress())
			}
		case *hcmv3.HttpConnectionManager:
			connections++
			complaints = append(complaints, checkConnections(m)...)
		case *extauthzv3.ExtAuthz:
			checks++
			complaints = append(complaints, checkExtAuthz(m)...)
		}
		if v, ok := m.(interface{ ValidateAll() error }); ok {
			return v.ValidateAll()
		}
		return nil
	})
	if connections != 1 || checks != 1 {
		complain("it has %d connection managers and %d ext_authz filters, not one each", connections, checks)
	}
	return complaints, err
}

func readEnvoy(path string) (*bootstrapv3.Bootstrap, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	bootstrap := new(bootstrapv3.Bootstrap)
	return bootstrap, protojson.Unmarshal(asJSON, bootstrap)
}

// checkConnections looks for what keeps client, Envoy, service and upstream of one mind about a request.
func checkConnections(m *hcmv3.HttpConnectionManager) (complaints []string) {
	for wanted, holds := range map[string]bool{
		"normalize_path is not false": m.GetNormalizePath() != nil && !m.GetNormalizePath().GetValue(), // whose default may be set elsewhere
		"merge_slashes is set":        !m.GetMergeSlashes(),
		"escaped slashes are changed": m.GetPathWithEscapedSlashesAction() == hcmv3.HttpConnectionManager_KEEP_UNCHANGED,
		"headers with underscores are let through": m.GetCommonHttpProtocolOptions().GetHeadersWithUnderscoresAction() ==
			corev3.HttpProtocolOptions_REJECT_REQUEST,
		"the client's forwarding headers are believed": m.GetUseRemoteAddress().GetValue(),
		"slow headers are waited for":                  m.GetRequestHeadersTimeout().AsDuration() > 0,
		"ext_authz is not the first filter": len(m.GetHttpFilters()) == 2 &&
			m.GetHttpFilters()[0].GetTypedConfig().MessageIs((*extauthzv3.ExtAuthz)(nil)),
	} {
		if !holds {
			complaints = append(complaints, wanted)
		}
	}
	return complaints
}

// checkExtAuthz looks for what makes Envoy fail closed, and tell the service of each header line.
func checkExtAuthz(m *extauthzv3.ExtAuthz) (complaints []string) {
	for wanted, holds := range map[string]bool{
		"it fails open":                      !m.GetFailureModeAllow(),
		"header lines are joined":            m.GetEncodeRawHeaders(),
		"the service is waited for":          m.GetGrpcService().GetTimeout().AsDuration() > 0,
		"the status of a failure is not 503": m.GetStatusOnError().GetCode() == 503,
		"it is off for some requests":        m.GetFilterEnabled() == nil && m.GetFilterEnabledMetadata() == nil,
	} {
		if !holds {
			complaints = append(complaints, wanted)
		}
	}
	return complaints
}

// walk shows each message in m, and what is packed into it.
func walk(m protoreflect.Message, show func(proto.Message) error) (err error) {
	if packed, ok := m.Interface().(*anypb.Any); ok {
		within, err := packed.UnmarshalNew()
		if err != nil {
			return err
		}
		return walk(within.ProtoReflect(), show)
	}
	if err := show(m.Interface()); err != nil {
		return err
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, item protoreflect.Value) bool {
				err = walk(item.Message(), show)
				return err == nil
			})
		case f.IsList() && f.Message() != nil:
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = walk(v.List().Get(i).Message(), show)
			}
		case !f.IsMap() && !f.IsList() && f.Message() != nil:
			err = walk(v.Message(), show)
		}
		return err == nil
	})
	return err
}
