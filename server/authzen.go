// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// The paths of AuthZEN, the Authorization API 1.0 of the OpenID Foundation. Those who ask show a token of the service, as over gRPC.
const (
	evaluationPath  = "/access/v1/evaluation"
	evaluationsPath = "/access/v1/evaluations"
	wellKnownPath   = "/.well-known/authzen-configuration"
)

// authZEN adds the pages of AuthZEN. Its metadata is there only where it is known under which URL the server is reached: the Host of a
// request is what whoever sent it says.
func (s *HTTPServer) authZEN(baseURL string) {
	s.pages[evaluationPath] = s.asked(evaluationPath, s.evaluation)
	s.pages[evaluationsPath] = s.asked(evaluationsPath, s.evaluations)
	if baseURL == "" {
		return
	}
	configuration := encoded(map[string]string{
		"policy_decision_point":       baseURL,
		"access_evaluation_endpoint":  baseURL + evaluationPath,
		"access_evaluations_endpoint": baseURL + evaluationsPath,
	})
	s.pages[wellKnownPath] = func(w http.ResponseWriter, r *http.Request) {
		if only(w, r, http.MethodGet, http.MethodHead) {
			writeJSON(w, http.StatusOK, configuration)
		}
	}
}

// asked is a page that a body of JSON is posted to, by somebody with a token. An error becomes a status that is not 200: a denial is
// an answer.
func (s *HTTPServer) asked(path string, answer func(ctx context.Context, body []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get("X-Request-ID"); id != "" {
			w.Header().Set("X-Request-ID", id) // which the standard wants
		}
		if !only(w, r, http.MethodPost) {
			return
		}
		out, err := s.ask(w, r, path, answer)
		if err == nil {
			writeJSON(w, http.StatusOK, encoded(out))
			return
		}
		refusal := s.guard.refuse(r.Context(), path, err)
		refusal.Status = askersStatus(statusOf(err).Code())
		switch e := classified(err); {
		case errors.As(err, new(*http.MaxBytesError)):
			refusal.Status = http.StatusRequestEntityTooLarge
		case e.Kind == authz.Unauthenticated:
			refusal.Text = e.Message
		}
		_ = refusal.Write(w) // whoever asked has gone, or all is well
	}
}

func (s *HTTPServer) ask(w http.ResponseWriter, r *http.Request, path string, answer func(context.Context, []byte) (any, error)) (out any, err error) {
	defer func() { err = s.guard.contain(path, recover(), err) }()
	caller, err := s.guard.callers.identify(r.Header["Authorization"], "header Authorization")
	if err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, invalid("Content-Type", "must be application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, authz.Errorf(authz.Invalid, "the request must be at most %d bytes", maxMessage).Because(err)
	} else if err != nil {
		return nil, authz.Errorf(authz.Invalid, "the request could not be read").Because(err)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), gatewayKey{}, caller.Name), maxWait)
	defer cancel()
	return answer(ctx, body)
}

// evaluation answers one question.
func (s *HTTPServer) evaluation(ctx context.Context, body []byte) (any, error) {
	in, err := parseEvaluations(body)
	if err != nil {
		return nil, err
	}
	return s.evaluate(ctx, &in.evaluation)
}

func (s *HTTPServer) evaluate(ctx context.Context, e *evaluation) (any, error) {
	var q question
	if err := q.fromEvaluation(e); err != nil {
		return nil, err
	}
	var r result
	if err := s.decide(ctx, &q, false, &r); err != nil {
		return nil, err
	}
	return verdictOf(&r), nil
}

// evaluations answers many questions. What is wrong with one of them is told in its place.
func (s *HTTPServer) evaluations(ctx context.Context, body []byte) (any, error) {
	in, err := parseEvaluations(body)
	if err != nil {
		return nil, err
	}
	switch n := len(in.Evaluations); {
	case n == 0:
		return s.evaluate(ctx, &in.evaluation)
	case n > maxBatch:
		return nil, invalid("evaluations", "must be at most %d, not %d", maxBatch, n)
	}
	stop, ok := semantics[in.Options.Semantic]
	if !ok {
		return nil, invalid("options.evaluations_semantic", "must be execute_all, deny_on_first_deny or permit_on_first_permit")
	}
	b := batches.Get().(*batch)
	defer b.release()
	b.grow(len(in.Evaluations))
	for i := range in.Evaluations {
		in.Evaluations[i].orElse(&in.evaluation)
		if err := b.questions[i].fromEvaluation(&in.Evaluations[i]); err != nil {
			b.questions[i] = question{refused: err}
		}
	}
	s.decideAll(ctx, evaluationsPath, b)
	out := verdicts{Evaluations: make([]verdict, 0, len(b.results))}
	for i := range b.results {
		v := verdictOf(&b.results[i])
		out.Evaluations = append(out.Evaluations, v)
		if stop(v.Decision) {
			break
		}
	}
	return out, nil
}

// semantics are the standard's words for when to stop, by the last decision.
var semantics = map[string]func(decision bool) bool{
	"":                       func(bool) bool { return false },
	"execute_all":            func(bool) bool { return false },
	"deny_on_first_deny":     func(decision bool) bool { return !decision },
	"permit_on_first_permit": func(decision bool) bool { return decision },
}

// only answers requests of other methods.
func only(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	w.Header()["Allow"] = methods
	_ = door.Refusal{Status: http.StatusMethodNotAllowed, Text: "This page is for " + methods[0]}.Write(w)
	return false
}

func encoded(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // none of it can fail
	}
	return out
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
