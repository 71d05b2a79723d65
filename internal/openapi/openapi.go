// SPDX-License-Identifier: Apache-2.0

// Package openapi is the API in JSON as a document: OpenAPI 3.1, made from the contract.
package openapi

import _ "embed"

// Document is the whole document, in JSON.
//
//go:embed openapi.json
var Document []byte

//go:generate go run ./assemble ../../.cache/openapi openapi.json
