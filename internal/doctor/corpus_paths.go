// SPDX-License-Identifier: Apache-2.0

package doctor

import "strings"

// spelled makes a case of each target, which is asked for with the same header lines.
func spelled(lines []string, targets ...[2]string) (cases []Case) {
	for _, t := range targets {
		cases = append(cases, Case{Name: t[0], Line: "GET " + t[1] + " HTTP/1.1", Lines: lines})
	}
	return cases
}

func paths() Group {
	g := Group{Name: "paths", Why: "a path with two spellings: who decides reads the one, who is reached reads the other"}
	g.Cases = spelled([]string{readKey},
		[2]string{"a doubled slash", "/api//projects"}, [2]string{"a doubled slash at the start", "//api/projects"},
		[2]string{"three slashes", "///api/projects"}, [2]string{"a slash at the end", "/api/projects/"},
		[2]string{"a dot segment", "/api/./projects"}, [2]string{"a dot segment at the end", "/api/projects/."},
		[2]string{"a dot-dot segment", "/api/x/../projects"}, [2]string{"a dot-dot segment out of a public place", "/assets/../api/projects"},
		[2]string{"dot-dot above the root", "/../api/projects"},
		[2]string{"an encoded dot", "/api/%2e/projects"}, [2]string{"encoded dot-dot", "/api/x/%2e%2e/projects"},
		[2]string{"half-encoded dot-dot", "/api/x/.%2E/projects"}, [2]string{"dot-dot encoded twice", "/api/x/%252e%252e/projects"},
		[2]string{"an encoded slash", "/api%2fprojects"}, [2]string{"encoded slashes around dot-dot", "/api/x%2F..%2Fprojects"},
		[2]string{"a slash encoded twice", "/api%252fprojects"}, [2]string{"an encoded percent sign", "/api/projects/a%25b"},
		[2]string{"an encoded letter", "/api/%70rojects"}, [2]string{"an encoded letter of api", "/%61pi/projects"},
		[2]string{"an encoded tilde", "/api/projects/a%7Eb"},
		[2]string{"a backslash", `/api\projects`}, [2]string{"backslashes around dot-dot", `/api/x\..\projects`},
		[2]string{"an encoded backslash", "/api%5cprojects"},
		[2]string{"a parameter", "/api/projects;a=1"}, [2]string{"a parameter in the middle", "/api;a=1/projects"},
		[2]string{"a parameter behind dot-dot", "/api/x/..;/projects"}, [2]string{"an encoded semicolon", "/api/projects%3ba=1"},
		[2]string{"API in capitals", "/API/projects"}, [2]string{"one capital in api", "/apI/projects"},
		[2]string{"one capital behind api", "/api/Projects"},
		[2]string{"a null byte", "/api/projects\x00"}, [2]string{"an encoded null byte", "/api/projects%00"},
		[2]string{"an encoded null byte before a suffix", "/api/projects%00.css"},
		[2]string{"an encoded line feed", "/api/projects%0a"}, [2]string{"an encoded header", "/api/projects%0d%0aAeroplane-User:%20x"},
		[2]string{"an encoded blank", "/api/projects/a%20b"}, [2]string{"an encoded tab", "/api/projects/a%09b"},
		[2]string{"DEL", "/api/projects/\x7f"}, [2]string{"an encoded DEL", "/api/projects/%7f"},
		[2]string{"a byte that is no UTF-8", "/api/projects/\xff"}, [2]string{"a letter beyond ASCII", "/api/projects/\u00fc"},
		[2]string{"an encoded letter beyond ASCII", "/api/projects/%c3%bc"}, [2]string{"an overlong slash", "/api%c0%afprojects"},
		[2]string{"overlong dots", "/api/x/%c0%ae%c0%ae/projects"}, [2]string{"a wide slash", "/api\uff0fprojects"},
		[2]string{"a letter that folds to ASCII", "/ap\u0131/projects"},
		[2]string{"a percent sign alone", "/api/projects/%"}, [2]string{"half an escape", "/api/projects/%2"},
		[2]string{"an escape that is none", "/api/projects/%zz"}, [2]string{"an escape of another age", "/api%u002fprojects"},
		[2]string{"a vertical bar", "/api/projects/a|b"}, [2]string{"brackets", "/api/projects/[a]"},
		[2]string{"braces", "/api/projects/{a}"}, [2]string{"a caret", "/api/projects/a^b"}, [2]string{"a quote", `/api/projects/"a"`},
		[2]string{"a less-than sign", "/api/projects/<a>"}, [2]string{"a backtick", "/api/projects/a`b"},
		[2]string{"a fragment", "/api/projects#a"}, [2]string{"an encoded number sign", "/api/projects%23a"},
		[2]string{"an encoded question mark", "/api/projects%3fa=1"},
		[2]string{"all that a path may hold", "/api/projects/-._~!$&'()*+,=:@"}, [2]string{"escapes that are needed", "/api/projects/%22%3c%3E%5b"},
		[2]string{"two question marks", "/api/projects??a=1?b"}, [2]string{"an empty query", "/api/projects?"},
		[2]string{"a path in the query", "/api/projects?/../../x//y;z"}, [2]string{"a broken escape in the query", "/api/projects?a=%zz&b=%"},
		[2]string{"a semicolon in the query", "/api/projects?a=1;b=2"}, [2]string{"odd bytes in the query", `/api/projects?a[]={|}\^"<>` + "`"},
		[2]string{"a blank in the target", "/api/projects /x"}, [2]string{"a tab in the target", "/api/projects\t/x"},
		[2]string{"no slash at the start", "api/projects"}, [2]string{"an asterisk", "*"}, [2]string{"an authority", "{host}"},
		[2]string{"an empty target", ""}, [2]string{"another scheme", "file:///api/projects"},
	)
	g.Cases = append(g.Cases,
		Case{Name: "two blanks before the target", Line: "GET  /api/projects HTTP/1.1", Lines: []string{readKey}, Reads: "/api/projects"},
		Case{Name: "two blanks behind the target", Line: "GET /api/projects  HTTP/1.1", Lines: []string{readKey}, Reads: "/api/projects"},
		Case{Name: "a tab before the target", Line: "GET\t/api/projects HTTP/1.1", Lines: []string{readKey}},
		Case{Name: "the absolute form", Line: "GET http://{host}/api/projects HTTP/1.1", Lines: []string{readKey}, Reads: "/api/projects"},
		Case{Name: "the absolute form, in capitals", Line: "GET HTTP://{host}/api/projects HTTP/1.1", Lines: []string{readKey},
			Reads: "/api/projects"},
		Case{Name: "the absolute form without a path", Line: "GET http://{host} HTTP/1.1", Lines: []string{readKey}, Reads: "/"},
		Case{Name: "the absolute form with a user", Line: "GET http://{host}@other.invalid/api/projects HTTP/1.1", Lines: []string{readKey},
			Reads: "/api/projects"},
	)
	return g
}

// hidden are targets that look public to one reader, and are for owners to another. Nobody is signed in.
func hidden() Group {
	return Group{Name: "hidden paths", Why: "a path that looks public to one reader, and leads to what is not for another",
		Cases: spelled(nil,
			[2]string{"dot-dot", "/assets/../api/system/settings"}, [2]string{"encoded dot-dot", "/assets/%2e%2e/api/system/settings"},
			[2]string{"an encoded slash", "/assets/..%2fapi/system/settings"}, [2]string{"all of it encoded", "/assets%2f..%2fapi%2fsystem%2fsettings"},
			[2]string{"encoded twice", "/assets/%252e%252e/api/system/settings"}, [2]string{"a parameter", "/assets/..;/api/system/settings"},
			[2]string{"backslashes", `/assets\..\api\system\settings`}, [2]string{"a doubled slash", "//api/system/settings"},
			[2]string{"a dot", "/./api/system/settings"}, [2]string{"capitals", "/API/system/settings"},
			[2]string{"an encoded letter", "/%61pi/system/settings"}, [2]string{"an encoded slash behind api", "/api%2fsystem/settings"},
			[2]string{"a parameter behind api", "/api;x/system/settings"}, [2]string{"a null byte behind api", "/api%00/system/settings"},
			[2]string{"a blank behind api", "/api%20/system/settings"},
			[2]string{"out of a public endpoint", "/api/health/../system/settings"},
			[2]string{"out of a public endpoint, encoded", "/api/health/%2e%2e/system/settings"},
			[2]string{"out of a public endpoint, slashes encoded", "/api/health%2f..%2fsystem/settings"},
			[2]string{"out of a public endpoint, by a parameter", "/api/health;/../system/settings"},
			[2]string{"into a public endpoint", "/api/system/settings/../../health"},
			[2]string{"into a public endpoint, encoded", "/api/system/settings/%2e%2e/%2e%2e/health"},
			[2]string{"into a public endpoint, slashes encoded", "/api/system/settings%2f..%2f..%2fhealth"},
			[2]string{"a public endpoint as a parameter", "/api/system/settings;/api/health"},
			[2]string{"a public endpoint as a query", "/api/system/settings?/api/health"},
			[2]string{"a public endpoint as a fragment", "/api/system/settings#/api/health"},
			[2]string{"a suffix of what is public", "/api/system/settings/.css"}, [2]string{"a suffix behind a null byte", "/api/system/settings%00.png"},
			[2]string{"a page whose query is a path", "/" + thing + "?/../api/system/settings"},
		)}
}

func limits() Group {
	filler := func(n int) string { return strings.Repeat("a", n) }
	return Group{Name: "limits", Why: "what is too large to be asked about must not pass unasked",
		Cases: []Case{
			{Name: "a target of 8,000 bytes", Line: "GET /api/projects?" + filler(8000-len("/api/projects?")) + " HTTP/1.1", Lines: []string{readKey}},
			{Name: "a target of 8,193 bytes", Line: "GET /api/projects?" + filler(8193-len("/api/projects?")) + " HTTP/1.1", Lines: []string{readKey}},
			{Name: "a target of 20,000 bytes", Line: "GET /api/projects?" + filler(20000-len("/api/projects?")) + " HTTP/1.1", Lines: []string{readKey}},
			{Name: "a target of 70,000 bytes", Line: "GET /api/system/settings?" + filler(70000) + " HTTP/1.1"},
			{Name: "a cookie of 70,000 bytes", Line: "GET /api/system/settings HTTP/1.1", Lines: []string{"Cookie: a=" + filler(70000)}},
			{Name: "a key of 70,000 bytes", Line: "GET /api/projects HTTP/1.1", Lines: []string{"Authorization: Bearer " + filler(70000)}},
			{Name: "200 cookies", Line: "GET /api/projects HTTP/1.1", Lines: append([]string{readKey},
				strings.Split(strings.Repeat("Cookie: a=b\n", 199)+"Cookie: a=b", "\n")...)},
			{Name: "a method of 5,000 bytes", Line: strings.ToUpper(filler(5000)) + " /api/projects HTTP/1.1", Lines: []string{writeKey}},
		}}
}
