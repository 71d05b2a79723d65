// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"aeroplane.run/authz/internal/testservers"
)

// Axe examines the page as it stands for accessibility: the rules of WCAG 2.2 up to AA that a program can judge, and what is good
// practice besides. It fails the test with all that breaks one.
func (p *Page) Axe(t testing.TB) {
	t.Helper()
	source, err := os.ReadFile(testservers.Tool(t, "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	violations, err := p.axe(string(source))
	if err != nil {
		t.Fatalf("axe: %v", err)
	}
	if len(violations) > 0 {
		t.Errorf("axe: %d rules are broken:\n%s", len(violations), report(violations))
	}
}

// A violation is a rule that is broken, and by which elements.
type violation struct {
	ID     string
	Impact string
	Help   string
	Nodes  []struct {
		HTML   string
		Target []any // selectors; where there are frames or shadow roots on the way, a list of them
	}
}

func (p *Page) axe(source string) ([]violation, error) {
	world, err := run(p, worldOfItsOwn)
	if err != nil {
		return nil, err
	}
	return eval[[]violation](p, source+`;
		axe.run(document, {
			runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
			resultTypes: ["violations"],
		}).then((results) => results.violations)`, inWorldOfItsOwn(world))
}

// worldOfItsOwn makes a world for scripts that the page knows nothing of.
func worldOfItsOwn(ctx context.Context, target *chromedp.Target) (runtime.ExecutionContextID, error) {
	tree, err := cdp.Call(ctx, target, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return 0, err
	}
	world, err := cdp.Call(ctx, target, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID})
	return world.ExecutionContextID, err
}

// report lists rules and, below each, the elements that break it.
func report(violations []violation) string {
	var b strings.Builder
	for _, v := range violations {
		fmt.Fprintf(&b, "%s (%s): %s\n", v.ID, v.Impact, v.Help)
		for _, node := range v.Nodes {
			fmt.Fprintf(&b, "    %s: %s\n", strings.Trim(fmt.Sprint(node.Target), "[]"), node.HTML)
		}
	}
	return b.String()
}
