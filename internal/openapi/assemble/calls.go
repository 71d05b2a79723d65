// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// byCookie are the calls that the page makes, whose visitors are known by a cookie.
var byCookie = []string{"KeyService_ListKeys", "KeyService_GetKey", "KeyService_CreateKey", "KeyService_RevokeKey",
	"CatalogService_ListProjects", "AuditService_ListEvents", "ExplanationService_ExplainAuthorize"}

// asking are the calls that are no GET and change nothing, so that they are made for nobody.
var asking = []string{"AuthorizationService_Authorize", "AuthorizationService_BatchAuthorize", "ExplanationService_ExplainAuthorize",
	"CatalogService_ReportSync"}

// add adds what a part has to the whole.
func add(whole, part object) error {
	for path := range at(part, "paths") {
		for method := range at(part, "paths", path) {
			operation := at(part, "paths", path, method)
			named, err := oneName(path, operation)
			if err != nil {
				return err
			}
			to := at(whole, "paths", named)
			if to[method] != nil {
				return fmt.Errorf("%s %s is there twice", method, named)
			}
			finish(method, operation)
			to[method] = operation
		}
	}
	for name, schema := range at(part, "components", "schemas") {
		at(whole, "components", "schemas")[name] = schema
	}
	for _, tag := range list(part, "tags") {
		tag["description"] = aboutService(text(tag, "name"), text(tag, "description"))
		whole["tags"] = append(whole["tags"].([]any), tag)
	}
	return nil
}

// oneName calls what is variable in a path by the same name in all calls: a path with another name in it would be the same path.
func oneName(path string, operation object) (string, error) {
	if strings.Count(path, "{") > 1 {
		return "", fmt.Errorf("%s has two variables, and both would be called id", path)
	}
	for _, p := range list(operation, "parameters") {
		if p["in"] == "path" {
			path = strings.Replace(path, "{"+text(p, "name")+"}", "{id}", 1)
			p["name"] = "id"
		}
	}
	return path, nil
}

// finish gives an operation a summary of one sentence, and says how errors are answered, who may call, and for whom.
func finish(method string, operation object) {
	id := text(operation, "operationId")
	_, name, _ := strings.Cut(id, "_")
	operation["summary"], operation["description"] = aboutCall(name, text(operation, "summary"), text(operation, "description"))
	responses := at(operation, "responses")
	delete(responses, "default")
	responses["4XX"] = object{"$ref": "#/components/responses/Refused"}
	responses["5XX"] = object{"$ref": "#/components/responses/Failed"}
	if slices.Contains(byCookie, id) {
		operation["security"] = []any{object{"token": []any{}}, object{"session": []any{}}, object{"console": []any{}}}
	}
	if method != strings.ToLower(http.MethodGet) && !slices.Contains(asking, id) {
		parameters, _ := operation["parameters"].([]any)
		operation["parameters"] = append(parameters, object{"$ref": "#/components/parameters/ActingUser"})
	}
}
