# shellcheck shell=bash
# What .ci/run is made of: named, timed steps under one limit, and the tools that they need. Sourced; it does nothing
# by itself.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/interlocal-ci

passed=0 failed=0
# One line a step for the summary, and the names of those that were never begun.
summary=() not_run=()
running=

# Everything together has this many seconds: a hanging step must not hold a machine.
begin_watch() {
    limit=$1
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    trap 'stop_step; exit 130' INT TERM
}

stop_step() {
    # `timeout` passes the signal on to all that it started.
    [ -z "$running" ] || kill -TERM "$running" 2>/dev/null
}

# step NAME COMMAND...: a program, or a function of this file. Its failure is counted, and the next step runs.
step() {
    local name=$1 left=$((limit - SECONDS)) begun=$SECONDS shown code tests_passed tests_failed
    shift
    if [ "$left" -le 0 ]; then
        not_run+=("$name")
        return 0
    fi
    printf '\n=== %s: %s\n' "$name" "$*"
    : >"$log"
    timeout --kill-after=20 "$left" bash -c '. .ci/lib.sh; "$@"' step "$@" </dev/null >"$log" 2>&1 &
    running=$!
    # Shows the output as it comes, and ends with the step. In the background: `wait` hears signals, `tail` does not.
    tail -s 0.2 -n +1 -f --pid="$running" "$log" &
    shown=$!
    wait "$running"
    code=$?
    running=
    wait "$shown"
    read -r tests_passed tests_failed < <(count_tests "$log")
    passed=$((passed + tests_passed))
    failed=$((failed + tests_failed))
    # Failed tests say themselves how many; any other failure is one.
    [ "$code" -eq 0 ] || [ "$tests_failed" -gt 0 ] || failed=$((failed + 1))
    case $code in
        0) summary+=("ok      $((SECONDS - begun)) s  $name") ;;
        124 | 137) summary+=("STOPPED $((SECONDS - begun)) s  $name: the limit of $limit s for everything is reached") ;;
        *) summary+=("FAILED  $((SECONDS - begun)) s  $name (exit $code)") ;;
    esac
}

# The sums of all `test result: ok. 3 passed; 1 failed; …` lines.
count_tests() {
    awk '/^test result: /{
        for (i = 2; i <= NF; i++) { if ($i == "passed;") p += $(i - 1); if ($i == "failed;") f += $(i - 1) }
    } END { print p + 0, f + 0 }' "$1"
}

# Prints the summary, its last line being the numbers; false if anything failed or was not run.
report() {
    printf '\n=== summary, %s s\n' "$SECONDS"
    printf '%s\n' "${summary[@]}"
    if [ "${#not_run[@]}" -gt 0 ]; then
        printf 'NOT RUN (no time left)  %s\n' "${not_run[@]}"
        failed=$((failed + ${#not_run[@]}))
    fi
    printf '%s passed, %s failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

# ensure_command COMMAND PACKAGE: a program that Debian has.
ensure_command() {
    command -v "$1" && return
    if [ "$(id -u)" -ne 0 ]; then
        echo "$1 is missing and only root can install it: apt-get install $2" >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -q -y --no-install-recommends "$2"
}

# ensure_go_tool NAME VERSION PACKAGE: built once, then kept outside the checkout.
ensure_go_tool() {
    local home=$CACHE/$1-$2
    [ -x "$home/bin/$1" ] && echo "$home/bin/$1 is there" && return
    if ! command -v go >/dev/null; then
        echo "$1 needs Go, which is missing: install it (https://go.dev/dl/)" >&2
        return 1
    fi
    # -trimpath is part of the key of Go's build cache, which everything of Go here shares. With the local toolchain, a Go
    # that is too old is a plain failure.
    mkdir -p "$CACHE" && rm -rf "$home.new" &&
        GOBIN=$home.new/bin GOFLAGS=-trimpath GOTOOLCHAIN=local go install -ldflags '-s -w' "$3@v$2" && mv -T "$home.new" "$home" &&
        echo "$home/bin/$1 is built"
}

# ensure_peers [COMMAND:PACKAGE...]: servers that ours is measured against, or compared with; without arguments all of them. Nothing
# is started: a system that would start them is told not to.
ensure_peers() {
    local missing=() pair
    [ $# -gt 0 ] || set -- knotd:knot nsd:nsd unbound:unbound dnsdist:dnsdist dnsmasq:dnsmasq-base
    for pair in "$@"; do
        PATH=$PATH:/usr/sbin command -v "${pair%%:*}" || missing+=("${pair##*:}")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "only root can install ${missing[*]}: they are left out" >&2
        return 0
    fi
    export DEBIAN_FRONTEND=noninteractive
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=yes
    fi
    apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}" ||
        echo "${missing[*]} cannot be installed: they are left out" >&2
    [ -z "$made" ] || rm -f "$policy"
}

# ensure_cargo_tool NAME VERSION: built once, then kept outside the checkout.
ensure_cargo_tool() {
    local home=$CACHE/$1-$2
    [ -x "$home/bin/$1" ] && echo "$home/bin/$1 is there" && return
    # It checks, it need not be fast: unoptimised it is built in a fraction of the time. A build that was stopped half
    # way leaves nothing at the final place.
    mkdir -p "$CACHE"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --locked "$1@$2" --root "$home.new" && mv -T "$home.new" "$home"
}

# advisories VERSION: what is known of the crates that we use. The database is fetched; where it cannot be, that is said, and the one
# that was fetched before is asked, if there is one.
advisories() {
    local fetch=()
    if ! cargo_tool cargo-deny "$1" fetch db; then
        if ! compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs/advisory-db-*/.git" >/dev/null; then
            echo 'advisories: NOT LOOKED UP, the database cannot be fetched and there is none'
            return 0
        fi
        echo 'advisories: the database cannot be fetched, the one that is there is asked'
        fetch=(--disable-fetch)
    fi
    cargo_tool cargo-deny "$1" --locked check --hide-inclusion-graph "${fetch[@]}" advisories
}

# same_twice: two builds of the static program from this commit, in folders with names of different lengths, are the same file.
same_twice() {
    local home number folder commit code
    home=$(mktemp -d) commit=$(git rev-parse HEAD)
    for number in 1 2; do
        folder=$home/$(printf 'folder-%.0s' $(seq "$number"))
        mkdir "$folder"
        git archive HEAD | tar -x -C "$folder"
        (cd "$folder" && env -u CARGO_TARGET_DIR INTERLOCAL_COMMIT="$commit" .ci/static "$home/interlocal-$number")
        rm -rf "$folder"
    done
    sha256sum "$home"/interlocal-? && cmp "$home/interlocal-1" "$home/interlocal-2"
    code=$?
    rm -rf "$home"
    return "$code"
}

# cargo_tool NAME VERSION ARGUMENTS...
cargo_tool() {
    local program=$CACHE/$1-$2/bin/$1
    shift 2
    "$program" "$@"
}
