#!/usr/bin/env bash
# Installs the servers of requirements.txt into target/services, each file checked against its hash; nothing where
# they stand there already. Usage: tests/services/install.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
wanted=tests/services/requirements.txt
into=target/services
if ! cmp -s "$wanted" "$into/installed.txt"; then
  rm -rf "$into"
  python3 -m venv "$into"
  "$into/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$wanted"
  cp "$wanted" "$into/installed.txt"
fi
