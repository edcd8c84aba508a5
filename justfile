# Shortcuts; each is one line that works without `just` too.

# Three regions on this machine, until Ctrl-C
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# All tests
test *ARGS:
    cargo test {{ARGS}}

# Format the code
fmt:
    cargo fmt --all

# What CI says about the code, without running it
lint:
    cargo fmt --all --check && cargo clippy --all-targets -- -D warnings

# Dependencies: bans, licences, sources (needs cargo-deny)
deny:
    cargo deny check bans licenses sources

# Measure
bench *ARGS:
    cargo bench {{ARGS}}

# Measure against other servers, and write the tables
versus *ARGS:
    cargo bench --bench versus -- {{ARGS}}

# All that holds before a change is merged
ci *ARGS:
    .ci/run {{ARGS}}

# Look for inputs that break something (needs a nightly toolchain and cargo-fuzz)
fuzz *ARGS:
    fuzz/run {{ARGS}}
