#!/usr/bin/env bash
# Runs everything: formatting, lints, every test, service tests included, the benchmarks at one per cent, the demos.
# Installs what is missing on a bare Debian with Rust. Usage: tests/all.sh
set -euo pipefail
cd "$(dirname "$0")/.."

# What a command comes with, command by command.
needs=(
  "cc:build-essential"
  "strace:strace"
  "openssl:openssl"
  "ldapmodify:ldap-utils"
  "samba:samba samba-ad-provision samba-dsdb-modules"
  "samba-tool:samba samba-ad-provision samba-dsdb-modules"
  "slapd:slapd"
  "python3:python3"
)

step() { printf '\n== %s\n' "$*"; }

install_missing() {
  local missing=()
  for need in "${needs[@]}"; do
    # Servers stand in folders that are not on everybody's path.
    if ! PATH="$PATH:/usr/sbin:/sbin" command -v "${need%%:*}" >/dev/null; then
      read -r -a packages <<<"${need#*:}"
      missing+=("${packages[@]}")
    fi
  done
  # A Debian's Python makes no environments without this.
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  [ ${#missing[@]} -eq 0 ] && return
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "tests/all.sh needs these packages, and can install them only as root or with sudo:" >&2
      echo "  apt-get install -y --no-install-recommends ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  if ! command -v apt-get >/dev/null; then
    echo "tests/all.sh needs these Debian packages, and there is no apt-get here: ${missing[*]}" >&2
    exit 1
  fi
  step "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

install_missing
if ! command -v cargo >/dev/null; then
  echo "tests/all.sh needs Rust 1.95 or newer with cargo, rustfmt and clippy" >&2
  exit 1
fi

step "servers to test against"
tests/services/install.sh

step "formatting"
cargo fmt --check
step "lints"
cargo clippy --locked --all-targets -- -D warnings
step "tests"
cargo test --locked
step "tests with real services"
cargo test --locked --test it -- --ignored --test-threads=1
step "a minute of fuzzing"
tests/fuzz/run.sh 60
step "figures at 1 %, for being right"
cargo bench --locked -- --size 1
step "demo"
cargo run --locked --release --quiet -- demo --folder target/demo
step "demo with a domain"
cargo run --locked --release --quiet -- demo --active-directory --folder target/demo-ad
step "everything passed"
