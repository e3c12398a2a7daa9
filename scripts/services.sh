# shellcheck shell=bash
# shellcheck disable=SC2154 # lib.sh sets these
# Sourced after lib.sh by run, stack and bench: the database, the simulators and the server as children of the
# script, and their orderly end.

bando="$target/debug/bando"
bando_sim="$target/debug/bando-sim"
server_pid=
simulators_pid=
own_database=

# Starts the private database in DIR and exports DATABASE_URL, unless one is configured: use_database DIR
use_database() {
  DATABASE_URL=$(setting DATABASE_URL)
  if [ -z "$DATABASE_URL" ]; then
    # Noted before the start, so that an interrupted start is undone too.
    own_database=$1
    DATABASE_URL=$(scripts/database start "$1")
  fi
  export DATABASE_URL
}

# A text field of the simulators' line of addresses: address FIELD
address() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$simulators_out"; }

simulators_ready() {
  [ -s "$simulators_out" ] && return 0
  kill -0 "$simulators_pid" 2>/dev/null || return 0
  return 1
}

# Starts the simulators; their addresses are in daraja, phone, routeros and gateway: start_simulators DIR ARGUMENT...
start_simulators() {
  simulators_out="$1/simulators.json"
  local log="$1/simulators.log"
  shift
  : >"$simulators_out"
  setsid "$bando_sim" "$@" >"$simulators_out" 2>"$log" </dev/null &
  simulators_pid=$!
  wait_for 30 simulators_ready || true
  if [ ! -s "$simulators_out" ]; then
    tail -n 20 "$log" >&2
    die "the simulators do not start" "read $log"
  fi
  daraja=$(address daraja)
  phone=$(address phone)
  routeros=$(address routeros)
  gateway=$(address gateway)
  export daraja phone routeros gateway
}

# The settings under which Bando works with the simulators.
use_simulators() {
  export MPESA_ENV=sandbox MPESA_BASE_URL="$daraja" MPESA_CONSUMER_KEY=demo MPESA_CONSUMER_SECRET=demo
  export MPESA_SHORTCODE=174379
  export MIKROTIK_HOST=${routeros%:*} MIKROTIK_PORT=${routeros##*:} MIKROTIK_USERNAME=admin MIKROTIK_PASSWORD=bando
}

# The price list that a new demo begins with.
seed_packages() {
  local listed
  listed=$("$bando" package list --json) || die "the packages cannot be listed" "scripts/database shell"
  case $listed in *'"name"'*) return ;; esac
  step "adding demo packages" "read the message above" add_demo_packages
}

add_demo_packages() {
  "$bando" package add --name "1 hour" --minutes 60 --price 10 --down-kbps 4000 --up-kbps 1000 &&
    "$bando" package add --name "3 hours" --minutes 180 --price 20 --down-kbps 4000 --up-kbps 1000 &&
    "$bando" package add --name "1 day" --minutes 1440 --price 50 --down-kbps 5000 --up-kbps 2000 --devices 2 &&
    "$bando" package add --name "1 week" --minutes 10080 --price 250 --down-kbps 5000 --up-kbps 2000 --devices 3
} >&2

server_answers() {
  kill -0 "$server_pid" 2>/dev/null || return 0
  answers_ok "$1" "$2" /readyz
}

# Starts the server and waits until it is ready: start_server HOST PORT [LOG]. Without LOG its output is ours.
start_server() {
  local host=$1 port=$2 log=${3:-}
  case $host in 0.0.0.0 | ::) host=127.0.0.1 ;; esac
  if [ -n "$log" ]; then
    setsid "$bando" serve >>"$log" 2>&1 </dev/null &
  else
    setsid "$bando" serve </dev/null &
  fi
  server_pid=$!
  wait_for 60 server_answers "$host" "$port" || true
  if ! answers_ok "$host" "$port" /readyz; then
    if [ -n "$log" ]; then tail -n 20 "$log" >&2; fi
    die "the server is not ready" "read what it says above; $bando doctor looks at each part"
  fi
}

# What a script has to remove when everything has ended; it may put its own in this place.
after_services() { :; }

# Ends what was started, the server first so that it can finish what is in hand.
stop_services() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$server_pid" ]; then stop_process "$server_pid" 30; fi
  if [ -n "$simulators_pid" ]; then stop_process "$simulators_pid" 10; fi
  if [ -n "$own_database" ]; then "$root/scripts/database" stop "$own_database"; fi
  after_services
  exit $status
}
trap stop_services EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
