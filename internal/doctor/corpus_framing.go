// SPDX-License-Identifier: Apache-2.0

package doctor

// writing makes a case of a request that may write, with a body that is framed in one way or another.
func writing(name, body string, lines ...string) Case {
	return Case{Name: name, Line: "PATCH /api/projects/" + thing + " HTTP/1.1", Lines: append([]string{writeKey}, lines...), Body: body}
}

// Bodies that end at once for whoever reads chunks, and whose rest is then a request of its own; and ones of which the first four bytes
// are the body for whoever goes by a Content-Length of 4.
const (
	endsAsChunks = "0\r\n\r\n{inner}"
	oneChunk     = "{hex}\r\n{inner}\r\n0\r\n\r\n"
	chunks       = "2\r\n{}\r\n0\r\n\r\n"
)

func framing() Group {
	return Group{Name: "framing", Why: "a body whose end two readers see in two places: what is behind it is a request that nobody was asked about",
		Cases: []Case{
			writing("chunks", chunks, "Transfer-Encoding: chunked"), writing("chunks with an extension", "2;a=b\r\n{}\r\n0;c\r\n\r\n", "Transfer-Encoding: chunked"),
			writing("a length, and chunks", endsAsChunks, "Content-Length: {len}", "Transfer-Encoding: chunked"),
			writing("chunks, and a length", endsAsChunks, "Transfer-Encoding: chunked", "Content-Length: {len}"),
			writing("chunks, and a length of four", oneChunk, "Transfer-Encoding: chunked", "Content-Length: 4"),
			writing("another coding, and a length", endsAsChunks, "Transfer-Encoding: xchunked", "Content-Length: {len}"),
			writing("another coding behind chunked", endsAsChunks, "Transfer-Encoding: chunked, identity", "Content-Length: {len}"),
			writing("another coding before chunked", endsAsChunks, "Transfer-Encoding: identity, chunked", "Content-Length: {len}"),
			writing("chunked twice", endsAsChunks, "Transfer-Encoding: chunked, chunked", "Content-Length: {len}"),
			writing("two lines", endsAsChunks, "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Content-Length: {len}"),
			writing("chunked in capitals", endsAsChunks, "TRANSFER-ENCODING: CHUNKED", "Content-Length: {len}"),
			writing("a blank before the colon", endsAsChunks, "Transfer-Encoding : chunked", "Content-Length: {len}"),
			writing("a vertical tab", endsAsChunks, "Transfer-Encoding:\vchunked", "Content-Length: {len}"),
			writing("quotes", endsAsChunks, `Transfer-Encoding: "chunked"`, "Content-Length: {len}"),
			writing("a line that goes on", endsAsChunks, "Transfer-Encoding:\r\n chunked", "Content-Length: {len}"),
			writing("a bare line feed", endsAsChunks, "X-A: b\nTransfer-Encoding: chunked", "Content-Length: {len}"),
			writing("a bare carriage return", endsAsChunks, "X-A: b\rTransfer-Encoding: chunked", "Content-Length: {len}"),
			writing("an alias", endsAsChunks, "Transfer_Encoding: chunked", "Content-Length: {len}"),
			writing("a null byte behind it", endsAsChunks, "Transfer-Encoding: chunked\x00", "Content-Length: {len}"),
			writing("dropped by Connection", endsAsChunks, "Transfer-Encoding: chunked", "Connection: Transfer-Encoding", "Content-Length: {len}"),
			writing("a chunk that ends with a bare line feed", "2\n{}\n0\n\n", "Transfer-Encoding: chunked"),
			writing("a size with a sign", "+2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
			writing("a size in another notation", "0x2\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
			writing("a size that wraps around", "10000000000000002\r\n{}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
			{Name: "chunks in HTTP/1.0", Line: "PATCH /api/projects/" + thing + " HTTP/1.0",
				Lines: []string{writeKey, "Transfer-Encoding: chunked", "Content-Length: {len}"}, Body: endsAsChunks},
		}}
}

func lengths() Group {
	return Group{Name: "lengths", Why: "as with framing: two lengths, of which one reader believes the first and another the last",
		Cases: []Case{
			writing("two that differ, the first one short", "{inner}", "Content-Length: 0", "Content-Length: {len}"),
			writing("two that differ, the last one short", "{inner}", "Content-Length: {len}", "Content-Length: 0"),
			writing("two alike", "{}", "Content-Length: {len}", "Content-Length: {len}"),
			writing("a list", "{inner}", "Content-Length: 0, {len}"), writing("a list of two alike", "{}", "Content-Length: {len}, {len}"),
			writing("a sign", "{}", "Content-Length: +{len}"), writing("a negative one", "{inner}", "Content-Length: -1"),
			writing("a zero before it", "{}", "Content-Length: 0{len}"), writing("another notation", "{}", "Content-Length: 0x{len}"),
			writing("a blank in it", "{inner}", "Content-Length: 0 {len}"), writing("an empty one", "{inner}", "Content-Length:"),
			writing("a blank before the colon", "{inner}", "Content-Length : {len}", "Content-Length: 0"),
			writing("an alias", "{inner}", "Content_Length: {len}", "Content-Length: 0"),
			writing("one that wraps around", "{inner}", "Content-Length: 18446744073709551616"),
			writing("dropped by Connection", "{inner}", "Connection: Content-Length", "Content-Length: {len}"),
			{Name: "none, and a request behind it", Line: "PATCH /api/projects/" + thing + " HTTP/1.1", Lines: []string{writeKey}, Body: "{inner}"},
			{Name: "GET with a body", Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey, "Content-Length: {len}"}, Body: "{inner}"},
			{Name: "HEAD with a body", Line: "HEAD /api/projects HTTP/1.1", Lines: []string{readKey, "Content-Length: {len}"}, Body: "{inner}"},
			{Name: "OPTIONS with a request as its body", Line: "OPTIONS /api/projects HTTP/1.1", Lines: []string{"Content-Length: {len}"}, Body: "{inner}"},
		}}
}

func tunnels() Group {
	return Group{Name: "tunnels", Why: "a connection that becomes another protocol carries requests that nobody is asked about",
		Cases: []Case{
			{Name: "h2c", Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey, "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"},
				Forged: []string{"Upgrade: h2c"}},
			{Name: "h2c with Connection cut short", Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey, "Connection: Upgrade", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"},
				Forged: []string{"Upgrade: h2c"}},
			{Name: "a preface", Line: "PRI * HTTP/2.0"},
			{Name: "an upgrade to what is unknown, on what may not pass", Line: "GET /api/system/settings HTTP/1.1", Lines: []string{"Connection: Upgrade"},
				Forged: []string{"Upgrade: " + forged}},
			{Name: "a websocket, on what may not pass", Line: "GET /api/system/settings HTTP/1.1", Lines: []string{"Connection: Upgrade", "Upgrade: websocket",
				"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}},
		}}
}
