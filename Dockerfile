# SPDX-License-Identifier: Apache-2.0
#
# The image holds one static program, which runs as nobody in particular, and the system's certificate authorities. There
# is no shell. Its root file system may be read-only: only /data is written to, by the embedded database, and with tokens
# where none are set.
#
#     docker build -t aeroplane-authz .
#
# As it is, the server listens inside its container alone. To let others in, set AEROPLANE_AUTHZ_LISTEN=:8460, and
# AEROPLANE_AUTHZ_HTTP_LISTEN=:8462 for gateways that ask over HTTP, and give it a certificate and tokens: it refuses to start without.
# docker-compose.yml is an example.

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
ENV GOMODCACHE=/cache/mod GOCACHE=/cache/build GOTOOLCHAIN=local
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/cache go mod download
COPY . .
ARG TARGETOS TARGETARCH
ARG VERSION=unreleased
RUN --mount=type=cache,target=/cache \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=$VERSION" -o /out/aeroplane-authz ./cmd/aeroplane-authz \
    && mkdir /out/data

FROM scratch
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aeroplane-authz" \
      org.opencontainers.image.description="Decides which requests may pass Aeroplane's gateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/aeroplane-authz /aeroplane-authz
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# SQLite's temporary files go to the working directory where there is no /tmp.
WORKDIR /data
VOLUME ["/data"]
ENV AEROPLANE_AUTHZ_DATA_DIR=/data
EXPOSE 8460 8462
# With the settings of the server: where it listens, and, where it has one, with exactly its certificate.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/aeroplane-authz", "health"]
ENTRYPOINT ["/aeroplane-authz"]
CMD ["serve"]
