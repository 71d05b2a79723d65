// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Eval returns what an expression of JavaScript comes to in the page, or what a promise in its place does.
func Eval[T any](t testing.TB, p *Page, expression string) T {
	t.Helper()
	value, err := eval[T](p, expression)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func eval[T any](p *Page, expression string, options ...chromedp.EvaluateOption) (T, error) {
	return run(p, chromedp.Evaluate[T](expression, append(options, chromedp.EvalAwaitPromise)...))
}

// inWorldOfItsOwn makes an expression see the page, but none of its variables, which in turn sees none that come of it.
func inWorldOfItsOwn(world runtime.ExecutionContextID) chromedp.EvaluateOption {
	return func(params *runtime.EvaluateParams) { params.ContextID = world }
}

// run gives an action its time.
func run[T any](p *Page, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("the browser did not answer within %v", patience)
	case err != nil && p.ctx.Err() != nil:
		err = fmt.Errorf("the tab is gone, or the browser: %w", err)
	}
	return value, err
}

func (p *Page) do(actions ...chromedp.Action[chromedp.Void]) error {
	_, err := run(p, chromedp.Steps(actions...))
	return err
}

// command is an action that is one command, whose result does not matter.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}
