#!/usr/bin/env bash
# What model functions cost a build: crates of 0, 20, 200 and 1,000 of them (or the counts given), each
# function over a struct of eight layers, calling operations, a method and mostly another function.
#
#   scripts/expansion.sh [count ..]
#
# A row for each count: CPU seconds of rustc up to the expanded source, CPU seconds of `cargo check` after a
# touch, bytes of metadata, bytes of the stripped program that links every function, in the dev profile.
# Times are of one process, the best of three, and count its threads together, so that a busy machine
# changes them little.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
counts=("$@")
[ ${#counts[@]} -gt 0 ] || counts=(0 20 200 1000)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
export CARGO_TERM_COLOR=never

# The crate with $1 functions, under $place.
generate() {
  local crate=$place/expansion$1
  mkdir -p "$crate/src"
  cp "$root/Cargo.lock" "$crate/"
  cat >"$crate/Cargo.toml" <<TOML
[package]
name = "expansion$1"
version = "0.1.0"
edition = "2024"

[dependencies]
sinew = { path = "$root" }

[profile.dev.build-override]
opt-level = 3
[profile.dev]
debug = "line-tables-only"
[profile.dev.package."*"]
opt-level = 1
debug = false
[workspace]
TOML
  awk -v n="$1" 'BEGIN {
    print "use sinew::prelude::*;"
    print "pub const WIDTH: usize = 16;"
    print "#[model]\npub struct Net {"
    for (i = 0; i < 8; i++) print "    pub l" i ": Linear<WIDTH, WIDTH>,"
    print "}"
    for (i = 0; i < n; i++) {
      print "#[model]\npub fn step" i "<B>(m: &Net, x: Tensor<B, WIDTH>) -> Tensor<B, WIDTH> {"
      print "    let h = m.l" i % 8 ".forward(x);"
      print "    let g = (h * 0.5).tanh() + h.sigmoid() * x;"
      print i % 10 ? "    step" i - 1 "(m, g) - g.mean(-1, keepdims = true)" : "    g - g.mean(-1, keepdims = true)"
      print "}"
    }
  }' >"$crate/src/lib.rs"
  awk -v n="$1" 'BEGIN {
    print "type Text = fn() -> sinew::Result<String>;"
    print "static ALL: [Text; " n "] = ["
    for (i = 0; i < n; i++) print "    expansion" n "::step" i "::pullback,"
    print "];"
    print "fn main() {"
    print "    let bytes: usize = ALL.iter().filter_map(|f| f().ok()).map(|text| text.len()).sum();"
    print "    println!(\"{bytes}\");"
    print "}"
  }' >"$crate/src/main.rs"
}

# The least CPU time of three runs of `cargo check` after a touch.
check_after_touch() {
  local TIMEFORMAT='%U %S'
  for _ in 1 2 3; do
    sleep 1
    touch src/lib.rs
    { time cargo check -q --lib >/dev/null 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
  done | sort -n | head -1
}

# rustc with its unstable options, for the crate alone: in cargo's own environment the variable would build
# all dependencies again.
unstable=$place/unstable
printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec "$@"\n' >"$unstable"
chmod +x "$unstable"

# The least CPU time of three runs of rustc up to the expanded source, which it prints.
expansion() {
  local TIMEFORMAT='%U %S'
  for _ in 1 2 3; do
    touch src/lib.rs
    { time RUSTC_WORKSPACE_WRAPPER=$unstable cargo rustc -q --lib --profile check -- \
      -Zunpretty=expanded >/dev/null 2>&1; } 2>&1 | awk '{ print $1 + $2 }'
  done | sort -n | head -1
}

printf '%10s %14s %14s %14s %14s\n' functions 'expansion s' 'check s' metadata binary
for count in "${counts[@]}"; do
  generate "$count"
  cd "$place/expansion$count"
  cargo check -q --lib
  checked=$(check_after_touch)
  metadata=$(stat -c %s "$(ls -t "$CARGO_TARGET_DIR"/debug/deps/libexpansion"$count"-*.rmeta | head -1)")
  expanded=$(expansion)
  cargo build -q
  strip -o "$place/program" "$CARGO_TARGET_DIR/debug/expansion$count"
  printf '%10s %14s %14s %14s %14s\n' "$count" "$expanded" "$checked" "$metadata" "$(stat -c %s "$place/program")"
  rm -f "$CARGO_TARGET_DIR"/debug/deps/*expansion"$count"-* "$CARGO_TARGET_DIR/debug/expansion$count"
done
