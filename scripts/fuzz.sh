#!/usr/bin/env bash
# Searches with random inputs: `scripts/fuzz.sh [seconds for each target] [target] [first seed]`, or
# `scripts/fuzz.sh x[times] ..` for so many times each target's number of cases, on every machine the same.
#
#   scripts/fuzz.sh                 every target for a minute
#   scripts/fuzz.sh x1 all 1000000  as many cases as the tests have, other ones
#   scripts/fuzz.sh 3600 macro      one target for an hour
#   scripts/fuzz.sh 0 macro 1234    the one input of a seed
#
# Seeds start at a random one if none is given. Inputs that fail are kept in target/fuzz, each with
# what is wrong and the command that runs it again. What is found goes into the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

# A target, and the test that it is. The whole workspace is named in all of them, so that what `cargo test
# --workspace --all-features` has built is used.
targets="
macro        --lib -- any_program_is
macro-noise  --lib -- any_tokens_are
macro-end    --lib -- any_end_of
ir-text      --test ir_suite -- fuzz::any_text_is
ir-modes     --test ir_suite -- loop_programs::
ir-schedule  --test codegen_suite -- ir_texts::
kernel-text  --test codegen_suite -- kernel_texts::
program      --test codegen_suite -- fuzz::programs_in_f64
program-f32  --test codegen_suite -- fuzz::programs_in_f32
program-table --test codegen_suite -- fuzz::programs_of_any_op
program-windows --test codegen_suite -- fuzz::programs_of_windows
convolution  --test codegen_suite -- convolutions::random_convolutions
product      --test codegen_suite -- fuzz::products_of_computed_operands
program-wgsl --test gpu -- random_programs
safetensors  --test safetensors -- any_file
data         --test data -- load::any_file
"

seconds=${1:-60}
wanted=${2:-all}
case $seconds in
  x*) export SINEW_FUZZ_TIMES=${seconds#x}; budget="$SINEW_FUZZ_TIMES times its cases" ;;
  *) export SINEW_FUZZ_SECONDS=$seconds; budget="${seconds}s" ;;
esac
export RUST_MIN_STACK=8388608           # what rustc gives the macro; a test's thread has a quarter of it
export SINEW_FUZZ_SEED=${3:-$((RANDOM * 32768 + RANDOM))}
export SINEW_FUZZ_KEEP=$PWD/target/fuzz
mkdir -p "$SINEW_FUZZ_KEEP"
rm -f "$SINEW_FUZZ_KEEP"/*-running      # of a run that was interrupted

failed=()
known=0
while read -r name test; do
  if [ -z "$name" ] || { [ "$wanted" != all ] && [ "$wanted" != "$name" ]; }; then continue; fi
  known=1
  printf '\n== %s: %s from seed %s\n' "$name" "$budget" "$SINEW_FUZZ_SEED"
  # One test after the other, so that the budget is a target's own.
  separator=$([[ $test == *" -- "* ]] || echo --)
  # shellcheck disable=SC2086  # words are arguments
  cargo test --quiet --workspace --all-features $test $separator --test-threads 1 --nocapture </dev/null || failed+=("$name")
  # An input that is still there has ended the process.
  for left in "$SINEW_FUZZ_KEEP"/*-running; do
    [ -e "$left" ] || continue
    seed=$(sed -n '1s/.* //p' "$left")
    printf '\nended the process\n' >>"$left"
    mv "$left" "${left%running}$seed.txt"
  done
done <<<"$targets"

if [ $known = 0 ]; then
  echo "no target is called $wanted; there are:" $(cut -d' ' -f1 <<<"$targets") >&2
  exit 2
fi
if [ ${#failed[@]} -gt 0 ]; then
  printf '\nfailed: %s\n' "${failed[*]}"
  ls -1 "$SINEW_FUZZ_KEEP"
  exit 1
fi
