#!/usr/bin/env bash
# Fuzzes the language of the rules for a bounded time, beginning with the corpus that is kept.
# Usage: tests/fuzz/run.sh [SECONDS] [--keep]      --keep adds what it finds to the corpus, merged to the least.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
host=$(rustc -vV | sed -n 's/^host: //p')

# Coverage is measured by the compiler itself; no other toolchain is needed for it.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
export CARGO_TARGET_DIR=../../target/fuzz
cargo build --locked --release --quiet --target "$host"
language=$CARGO_TARGET_DIR/$host/release/language

found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
limits=(-timeout=5 -rss_limit_mb=2048 -max_len=4096 -dict=language.dict -print_final_stats=1)
artifacts=$CARGO_TARGET_DIR/found/
mkdir -p "$artifacts"
# Two at a time would be faster; one leaves a seed that can be followed.
if ! "$language" "${limits[@]}" -max_total_time="$seconds" -artifact_prefix="$artifacts" "$found" corpus 2>"$found.log"; then
  tail -60 "$found.log" >&2
  echo "the input is kept in $artifacts; put it into tests/fuzz/corpus once it is mended" >&2
  exit 1
fi
grep -E '^(Done|stat::)' "$found.log"
rm -f "$found.log"
if [ "${2:-}" = "--keep" ]; then
  "$language" "${limits[@]}" -merge=1 corpus "$found" 2>/dev/null
  echo "the corpus has $(find corpus -type f | wc -l) inputs now"
fi
