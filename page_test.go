// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
)

// numbers is a list of 0 to n-1, fetched as a store would.
func numbers(n int, sizes *[]int) func(Page) ([]int, error) {
	return func(p Page) ([]int, error) {
		*sizes = append(*sizes, p.Size)
		start := 0
		if !p.After.IsZero() {
			start = int(p.After.At)
		}
		var rows []int
		for i := start; i < n && len(rows) < p.Size; i++ {
			rows = append(rows, i)
		}
		return rows, nil
	}
}

func number(i int) Cursor { return Cursor{At: int64(i + 1)} }

func TestPaging(t *testing.T) {
	for _, tc := range []struct{ rows, size, pages int }{
		{0, 10, 1}, {1, 10, 1}, {10, 10, 1}, {11, 10, 2}, {20, 10, 2}, {21, 10, 3}, {150, 0, 2}, {2500, 5000, 3}, {3, 1, 3},
	} {
		var all, sizes []int
		token, pages := "", 0
		for {
			rows, next, err := paged(PageRequest{Size: tc.size, Token: token}, "n", 1, number, numbers(tc.rows, &sizes))
			if err != nil {
				t.Fatal(err)
			}
			all, pages, token = append(all, rows...), pages+1, next
			if next == "" {
				break
			}
		}
		if pages != tc.pages || len(all) != tc.rows || !slices.IsSorted(all) {
			t.Errorf("%+v: %d rows on %d pages", tc, len(all), pages)
		}
		if slices.Max(sizes) > maxPage+1 {
			t.Errorf("%+v: asked for %d rows", tc, slices.Max(sizes))
		}
	}
}

// A token of another list, of another filter, or made up, is refused; so is a negative size.
func TestPageTokens(t *testing.T) {
	var sizes []int
	_, token, err := paged(PageRequest{Size: 1}, "n", 1, number, numbers(3, &sizes))
	if err != nil || token == "" {
		t.Fatal(token, err)
	}
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, tc := range []struct {
		name   string
		r      PageRequest
		list   string
		filter any
		want   []string
	}{
		{"good", PageRequest{Token: token}, "n", 1, nil},
		{"another list", PageRequest{Token: token}, "m", 1, []string{"page_token"}},
		{"another filter", PageRequest{Token: token}, "n", 2, []string{"page_token"}},
		{"cut", PageRequest{Token: token[:len(token)-2]}, "n", 1, []string{"page_token"}},
		{"no base64", PageRequest{Token: "!"}, "n", 1, []string{"page_token"}},
		{"no JSON", PageRequest{Token: encode("x")}, "n", 1, []string{"page_token"}},
		{"empty", PageRequest{Token: encode("{}")}, "n", 1, []string{"page_token"}},
		{"no place", PageRequest{Token: encode(fmt.Sprintf(`{"Filter":%q}`,
			base64.StdEncoding.EncodeToString(filterSum("n", 1))))}, "n", 1, []string{"page_token"}},
		{"no text", PageRequest{Token: encode(fmt.Sprintf(`{"Filter":%q,"After":{"Name":"a\u0000"}}`,
			base64.StdEncoding.EncodeToString(filterSum("n", 1))))}, "n", 1, []string{"page_token"}},
		{"negative", PageRequest{Size: -1}, "n", 1, []string{"page_size"}},
	} {
		_, _, err := paged(tc.r, tc.list, tc.filter, number, numbers(3, &sizes))
		if got := fields(t, err); !slices.Equal(got, tc.want) {
			t.Errorf("%s: at fault %v, want %v", tc.name, got, tc.want)
		}
	}
}
