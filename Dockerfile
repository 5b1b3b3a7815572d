# Images are named by tag. For reproducible builds, pin their digests
# (golang:1.26@sha256:…). `docker buildx imagetools inspect` prints them.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
# Includes .git, because Go writes tag and commit into the program.
COPY . .
ARG TARGETOS TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags '-s -w' -o /out/leadgraph .

# Contains only the program, the certificates that it trusts, and the licences.
# The program writes no files, so the root can be read-only. It uses no time zones,
# so zone data are not needed.
FROM scratch
ARG VERSION=unknown REVISION=unknown
LABEL org.opencontainers.image.title="leadgraph" \
      org.opencontainers.image.description="A GraphQL API over the Operator Connect leads of the AudioCodes Live Platform" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /src/web/dist/licenses.md /licenses/
COPY --from=build /out/leadgraph /leadgraph
# Listen on all addresses. Without --auth, leadgraph then refuses to start unless
# --allow-anonymous is set. The admin port is only for probes and Prometheus.
ENV LEADGRAPH_LISTEN=:8080 LEADGRAPH_ADMIN_LISTEN=:9090
EXPOSE 8080 9090
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/leadgraph", "healthcheck", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["/leadgraph"]
