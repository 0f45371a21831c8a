#!/usr/bin/env bash
# ./run check: format, lints, docs, advisories, licences, unused dependencies, boundaries, file lengths.
set -uo pipefail
failures=0
step() { printf '\033[1m==>\033[0m %s\n' "$1" >&2; }
fail() { printf 'check: %s\n' "$1" >&2; failures=$((failures + 1)); }

step "format"
cargo fmt --all --check || fail "cargo fmt --all"

step "lints (warnings are errors)"
cargo clippy --quiet --locked --workspace --all-targets -- -D warnings || fail "clippy"

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --no-deps --document-private-items || fail "rustdoc"

# Every place where a pattern stands in Rust sources outside of the places where it may.
only_in() { # only_in WHAT PATTERN ALLOWED-REGEX [PATHS…]
    local found
    found=$(git ls-files -- '*.rs' | grep -Ev "$3" | xargs grep -nE "$2" 2>/dev/null)
    [ -z "$found" ] || fail "$1:"$'\n'"$found"
}

step "boundaries"
depends() { cargo tree --quiet --locked --package "$1" --edges normal --prefix none 2>/dev/null | awk '{ print $1 }' | sort -u | tail -n +1 | grep -v "^$1$"; }
for pair in "vmatrix-web vmatrix-hostagent" "vmatrix-hostagent vmatrix-web" "vmatrix-hostagent vmatrix-placement" "vmatrix-wire vmatrix-placement" "vmatrix-placement vmatrix-wire" \
    "vmatrix-placement tokio" "vmatrix-placement sqlx" "vmatrix-wire tokio"; do
    read -r from to <<<"$pair"
    depends "$from" | grep -qx "$to" && fail "$from must not depend on $to"
done
only_in "sqlx outside web/src/store" '\bsqlx::' '^(web/src/store/|web/tests/|tests/)'
only_in "axum outside the edge of web" '\baxum::' '^(web/src/(pages|ops|api|agents|auth|server)/|web/src/(main|server|pages|ops|api|agents|auth|cli)\.rs|web/tests/|tests/)'
only_in "programs started outside hostagent/src/command.rs" 'Command::new\(' '^(hostagent/src/command\.rs|(hostagent|placement)/benches/|hostagent/tests/|web/tests/|tests/)'
only_in "the clock read inside placement, wire or domain" 'SystemTime::now|Instant::now|Timestamp::now' '^(hostagent/src/|(hostagent|placement)/benches/|hostagent/tests/|web/src/(app|clock|cli|main|server|auth|agents|pages|ops|api|oracle|store|actions|nest|probe|resolve).*|web/tests/|tests/)'
inner() { git ls-files -- "web/src/$1/*.rs" "web/src/$1.rs" | xargs -r grep -nE "crate::($2)\b" 2>/dev/null; }
for rule in "domain store|actions|oracle|pages|ops|api|agents|auth" "store actions|oracle|pages|ops|api|agents" "actions oracle|pages|ops|api|agents" "oracle pages|ops|api|agents"; do
    read -r room others <<<"$rule"
    found=$(inner "$room" "$others")
    [ -z "$found" ] || fail "web/src/$room must not use $others:"$'\n'"$found"
done

# Put together from parts, so that this file names none and need not be left out.
dot='\.'
registries="(deb|security|snapshot|ftp)${dot}debian${dot}org|(static|index)${dot}crates${dot}io|registry${dot}npmjs|pypi${dot}org"
named=$(git grep -nE "$registries" -- ':!Cargo.lock')
[ -z "$named" ] || fail "a package registry is named:"$'\n'"$named"

step "file lengths"
long=$(git ls-files -- '*.rs' | xargs wc -l | awk '$2 != "total" && $1 > 400 { print $1, $2 }')
[ -z "$long" ] || fail "files over 400 lines:"$'\n'"$long"

step "unused dependencies"
mkdir -p target
cargo machete --skip-target-dir >target/machete.log 2>&1 || { cat target/machete.log >&2; fail "unused dependencies"; }

step "advisories and licences"
deny() { cargo deny --locked --workspace "$@" --hide-inclusion-graph; }
advisories=${VMATRIX_ADVISORY_DB:-../shared/data/advisory-db.tar.gz}
# The live advisory database where it can be reached; else the copy that lies beside the project, if there is one.
if timeout 60 cargo deny --locked fetch db >/dev/null 2>&1; then
    echo "with the live advisory database" >&2
    deny check advisories bans licenses sources || fail "cargo deny"
elif [ -e "$advisories" ]; then
    echo "with the copy of the advisory database in $advisories: the live one can not be reached" >&2
    copy=$PWD/target/advisory-copy
    rm -rf "$copy" && mkdir -p "$copy"
    sed "s|^\[advisories\]|&\ndb-path = \"$copy\"\nmaximum-db-staleness = \"P3Y\"|" deny.toml >"$copy/deny.toml"
    # cargo-deny reads a git repository of a name of its own, which it tells when there is none.
    name=$(deny --offline --config "$copy/deny.toml" check advisories 2>&1 | grep -o 'advisory-db-[0-9a-f]*' | head -n 1)
    mkdir -p "$copy/$name" && tar -xzf "$advisories" -C "$copy/$name"
    git -C "$copy/$name" init -q && git -C "$copy/$name" add -A &&
        git -C "$copy/$name" -c user.name=check -c user.email=check@localhost commit -q -m copy
    deny --offline --config "$copy/deny.toml" check advisories bans licenses sources || fail "cargo deny"
else
    echo "no advisory database can be reached: advisories are NOT checked, licences are" >&2
    deny check bans licenses sources || fail "cargo deny"
fi

[ "$failures" = 0 ] || { printf '%s check(s) failed\n' "$failures" >&2; exit 1; }
step "all checks passed"
