#!/usr/bin/env bash
# A training step under Valgrind's memcheck: `scripts/valgrind.sh`. Anything that it reports is a failure: memory that
# is read or written outside of what was allocated or after it was given back, what is decided by memory that nobody
# wrote, and memory that nobody can free any more.
#
# The step is `codegen/examples/step.rs`: a classifier's forward and backward pass and Adam's update, of odd sizes, so
# that there are rests of vectors, over regions that have their size to the byte. It is compiled inside of Valgrind by
# Cranelift alone, for each set of instructions: Valgrind knows none of AVX-512, and what the wide back end and the tiles
# compiled ahead read by masks it takes for reads of whole vectors.
#
# It takes a minute or two and is no part of `.ci/run`.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || {
  echo "no valgrind; on Debian and its like: apt-get install -y valgrind" >&2
  exit 1
}
cargo build --workspace --all-features --example step

# --partial-loads-ok=no: a load that is partly outside is a report, an aligned one of a word too.
# --track-origins=yes: of what nobody wrote it is told where it was allocated.
# --errors-for-leak-kinds=definite: what is still reachable at the end is Rust's runtime's.
# --smc-check is as it is by default, for code in memory that is no file's: programs are compiled, freed, and others
# compiled in their place, which Valgrind must notice.
for instructions in baseline sse42 avx2; do
  printf '\n== %s\n' "$instructions"
  valgrind --quiet --error-exitcode=1 --partial-loads-ok=no --track-origins=yes \
    --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite --smc-check=all-non-file \
    target/debug/examples/step 13,17,9,5 7 "$instructions" narrow own once
done
