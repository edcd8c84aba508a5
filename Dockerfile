# The image: one static program, and nothing else.
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t interlocal:0.1.0 .
#
# A program that was built elsewhere (static, its place below the folder) is taken with PROGRAM=outside; no other image is needed then:
#
#   docker build --build-arg PROGRAM=outside --build-arg BINARY=dist/amd64/interlocal -t interlocal:0.1.0 .
ARG PROGRAM=build
ARG RUST=1.95

# Compiles on the machine's own architecture, for any of the two.
FROM --platform=$BUILDPLATFORM docker.io/library/rust:${RUST}-bookworm AS build
ARG TARGETARCH
# For `--version`; there is no checkout here to ask.
ARG REVISION
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs ./
COPY src src
COPY config config
# `interlocal schema` is made from its table of keys.
COPY docs/configuration.md docs/configuration.md
# Cargo.toml names them; none is compiled.
COPY benches benches
COPY .ci/static .ci/static
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    INTERLOCAL_COMMIT="$REVISION" .ci/static "$TARGETARCH" /interlocal

FROM scratch AS outside
ARG TARGETARCH
ARG BINARY=dist/${TARGETARCH}/interlocal
COPY ${BINARY} /interlocal

FROM ${PROGRAM} AS program

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="interlocal" \
      org.opencontainers.image.description="DNS for Kubernetes clusters that span regions" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# In the usual PATH, so that `kubectl exec … -- interlocal peers` finds it.
COPY --from=program /interlocal /usr/local/bin/interlocal
# A number: `runAsNonRoot` refuses names.
USER 65532:65532
EXPOSE 53/udp 53/tcp 8053/udp 8053/tcp 8080/tcp 8181/tcp 9153/tcp
ENTRYPOINT ["/usr/local/bin/interlocal"]
CMD ["serve"]
