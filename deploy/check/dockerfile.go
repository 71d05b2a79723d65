// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/opencontainers/go-digest"
)

// checkDockerfile lints a Dockerfile and then looks at what its last stage, the image, is.
func checkDockerfile(ctx context.Context, path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	complaints, err := lint(ctx, path, text)
	if err != nil {
		return nil, err
	}

	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return nil, err
	}
	return append(complaints, checkStages(stages)...), nil
}

// lint runs BuildKit's linter.
func lint(ctx context.Context, path string, text []byte) ([]string, error) {
	source := llb.NewSourceMap(nil, filepath.Base(path), "Dockerfile", text)
	source.Definition = new(llb.Definition) // which the linter reads, whatever is in it
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		SourceMap:    source,
		MetaResolver: emptyImages{},
	})
	if err != nil {
		return nil, err
	}
	if results.Error != nil {
		return nil, errors.New(results.Error.Message)
	}
	var complaints []string
	for _, warning := range results.Warnings {
		complaints = append(complaints, warning.RuleName+": "+warning.Detail)
	}
	return complaints, nil
}

// emptyImages answers for every base image without asking a registry: an image of which nothing is known.
type emptyImages struct{}

func (emptyImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte(`{"architecture":"amd64","os":"linux","config":{}}`), nil
}

var (
	pinnedImage = regexp.MustCompile(`(:[0-9]+\.[0-9][^@]*|@sha256:[0-9a-f]{64})$`)
	numericUser = regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`) // what Kubernetes' runAsNonRoot can verify
)

// checkStages looks for what the project promises of its image: pinned bases, nothing in it but the program, which runs
// as nobody in particular and probes itself.
func checkStages(stages []instructions.Stage) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }

	built := map[string]bool{}
	for _, stage := range stages[:len(stages)-1] {
		built[stage.Name] = true
		if !pinnedImage.MatchString(stage.BaseName) {
			complain("the base image %s is not pinned to a release", stage.BaseName)
		}
	}

	image := stages[len(stages)-1]
	if image.BaseName != "scratch" {
		complain("the image is built on %s, not on scratch", image.BaseName)
	}
	var user string
	var probed, volume bool
	for _, command := range image.Commands {
		switch c := command.(type) {
		case *instructions.CopyCommand:
			if !built[c.From] { // not a stage, so BuildKit would ask a registry for an image of that name
				complain("COPY --from=%s is not from an earlier stage", c.From)
			}
		case *instructions.UserCommand:
			user = c.User
		case *instructions.HealthCheckCommand:
			probed = c.Health != nil && len(c.Health.Test) > 0 && c.Health.Test[0] == "CMD" // there is no shell
		case *instructions.VolumeCommand:
			volume = true
		case *instructions.RunCommand:
			complain("RUN in the image itself, which has no shell")
		}
	}
	if !numericUser.MatchString(user) {
		complain("USER is %q: want a numeric user and group other than 0", user)
	}
	if !probed {
		complain("no HEALTHCHECK in exec form")
	}
	if !volume {
		complain("no VOLUME for the data directory")
	}
	return complaints
}
