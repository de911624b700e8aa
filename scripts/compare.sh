#!/usr/bin/env bash
# Ours and a peer's by turns, and how they compare: `scripts/compare.sh WORKLOAD THREADS TIMES COMMAND..`, where COMMAND
# prints a row as `bench` does: fields between tabs, the least and the middle time in microseconds the 5th and the 6th, the
# losses of steps 1 and 20 the 11th and the 12th.
#
#   PEERS_DATA=data scripts/compare.sh mlp_tiny 1 5 python a_mlp_tiny.py jax --threads 1
#
# A machine's speed drifts, so times are compared within a pair: the ratio that is printed is the middle one of the pairs.
set -euo pipefail
[ $# -ge 4 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
workload=$1 threads=$2 times=$3
shift 3

bench=$(cd "$(dirname "$0")/.." && cargo build --release -q -p sinew-benches --bin bench --message-format=json \
  | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
pin=()
if [ "$threads" = 1 ] && command -v taskset >/dev/null; then pin=(taskset -c 0); fi

rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
for _ in $(seq "$times"); do
  { "${pin[@]}" "$bench" "$workload" "$threads"; "$@" | tail -n 1; } | tee -a "$rows"
done
awk -F '\t' '
  function middle(values, n,  i, j, t) {
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && values[j - 1] > values[j]; j--) { t = values[j]; values[j] = values[j - 1]; values[j - 1] = t }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
  NR % 2 { least = $5; median = $6; loss = $12; next }
  { n++; leasts[n] = least / $5; medians[n] = median / $6; peer = $12 }
  END {
    printf "ours / theirs: least %.3f, median %.3f; loss at step 20: %s and %s\n", middle(leasts, n), middle(medians, n), loss, peer
  }' "$rows"
