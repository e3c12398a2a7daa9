# shellcheck shell=bash
# Sourced by every script: where things are, steps with elapsed time, waiting, settings, ports.

set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck disable=SC2034 # used by the scripts that include this one
data="$root/.data"
# shellcheck disable=SC2034
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# shellcheck disable=SC2034
web="$root/target/web"
# Shared with the scripts that a script calls, so that one clock runs through all of them.
export BANDO_STARTED=${BANDO_STARTED:-$(date +%s)}

# One line about what happens, with the seconds since the start: say TEXT
say() { printf '[%4d s] %s\n' $(($(date +%s) - BANDO_STARTED)) "$*" >&2; }

# Ends with one clear line and what to do: die TEXT [HINT]
die() {
  printf '\nfailed: %s\n' "$1" >&2
  if [ -n "${2:-}" ]; then printf 'what to do: %s\n' "$2" >&2; fi
  exit 1
}

# Runs a command as a named step: step TEXT HINT COMMAND...
step() {
  local text=$1 hint=$2
  shift 2
  say "$text"
  "$@" || die "$text" "$hint"
}

# Like step, but shows what the command prints only when it fails.
quiet_step() {
  local text=$1 hint=$2 log
  shift 2
  log=$(mktemp)
  say "$text"
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    die "$text" "$hint"
  fi
  rm -f "$log"
}

# Whether COMMAND succeeds within SECS, tried five times a second: wait_for SECS COMMAND...
wait_for() {
  local until=$(($(date +%s) + $1))
  shift
  until "$@" 2>/dev/null; do
    [ "$(date +%s)" -lt "$until" ] || return 1
    sleep 0.2
  done
}

# A setting as the server will see it: the environment, else .env, else nothing.
setting() {
  local name=$1 line
  if [ -n "${!name+set}" ]; then
    printf '%s' "${!name}"
  elif [ -f .env ] && line=$(grep -E "^[[:space:]]*(export[[:space:]]+)?$name=" .env | tail -n 1); then
    line=${line#*=}
    case $line in
      \"*\" | \'*\') line=${line:1:${#line}-2} ;;
      *) line=${line%% #*} ;;
    esac
    printf '%s' "$line"
  fi
}

is_listening() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# A free port of this machine, for private services: free_port [PREFERRED]
free_port() {
  local port=${1:-0} _
  for _ in $(seq 50); do
    if [ "$port" -ne 0 ] && ! is_listening 127.0.0.1 "$port"; then
      printf '%s' "$port"
      return
    fi
    port=$((20000 + RANDOM % 12000))
  done
  die "no free port found on 127.0.0.1" "close programs that listen on many ports"
}

# The status code of GET http://HOST:PORT/PATH: http_status HOST PORT PATH
http_status() {
  local _ code
  {
    exec 3<>"/dev/tcp/$1/$2" || return 1
    printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$3" "$1" >&3
    IFS=' ' read -r -t 5 _ code _ <&3
    exec 3<&- 3>&-
  } 2>/dev/null
  printf '%s' "${code:-}"
}

answers_ok() { [ "$(http_status "$1" "$2" "$3")" = 200 ]; }

# Characters nobody guesses: random_hex BYTES
random_hex() { od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }

# The secret kept in a file that only its owner reads, made on first use: kept_secret FILE BYTES
kept_secret() {
  if [ ! -s "$1" ]; then
    mkdir -p "$(dirname "$1")"
    (umask 077 && random_hex "$2" >"$1.new" && mv "$1.new" "$1")
  fi
  cat "$1"
}

# Asks a process to end, waits, and ends it by force only if it does not: stop_process PID SECS
stop_process() {
  local pid=$1 tenths=$(($2 * 10))
  kill -TERM "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do
    if [ "$tenths" -le 0 ]; then
      kill -KILL "$pid" 2>/dev/null || true
      return 0
    fi
    tenths=$((tenths - 1))
    sleep 0.1
  done
}
