#!/usr/bin/env bash
# The step of action.yml that judges: options from the environment, a summary, annotations
# and outputs to where GitHub reads them, and the exit code of the run.
set -uo pipefail

words=()
add() { [ -z "$2" ] || words+=("$1=$2"); }
add --dialect "${DIALECT:-}"
add --apis "${APIS:-}"
add --without "${WITHOUT:-}"
add --preset "${PRESET:-}"
add --waivers "${WAIVERS:-}"
add --baseline "${BASELINE:-}"
add --requirements "${REQUIREMENTS:-}"
add --fail-on "${FAIL_ON:-}"
add --config "${CONFIG:-}"
add --max-requests "${MAX_REQUESTS:-}"
add --max-time "${MAX_TIME:-}"
add --report-dir "$REPORT_DIR"
while IFS= read -r model; do add --model "$model"; done <<<"${MODEL:-}"
[ -z "${API_KEY:-}" ] || export AIOS_API_KEY="$API_KEY"

log="$(mktemp)"
# what the target says is printed too: no line of it is a command to the runner
token="aios-conformance-$RANDOM$RANDOM$RANDOM"
echo "::stop-commands::$token"
python -P -m aios_conformance.conformance run "${words[@]}" -- "$TARGET" 2>&1 | tee "$log"
code=${PIPESTATUS[0]}
echo "::$token::"

claim=none badge=
if [ "$code" -ne 4 ] && [ -f "$REPORT_DIR/report.json" ]; then
  head -c 1000000 "$REPORT_DIR/report.md" >>"$GITHUB_STEP_SUMMARY"
  annotate=()
  [ -z "${WAIVERS:-}" ] || annotate+=("--waivers=$WAIVERS")
  [ -z "${BASELINE:-}" ] || annotate+=("--baseline=$BASELINE")
  python -P -m aios_conformance.conformance annotate "${annotate[@]}" -- "$REPORT_DIR"
  claim="$(python -c 'import json, sys; print(json.load(open(sys.argv[1]))["claim"])' \
    "$REPORT_DIR/report.json")"
  badge="$REPORT_DIR/badge.svg"
else
  why="$(sed -n 's/^aios-conformance: error: //p' "$log" | tail -n 1 | tr -d '\r' | cut -c -500)"
  told="the run could not be judged (exit code $code): ${why:-its log says why}"
  echo "::error title=AIOS conformance::${told//%/%25}"
  printf 'The run could not be judged (exit code %s).\n\n    %s\n' "$code" "$why" \
    >>"$GITHUB_STEP_SUMMARY"
fi

verdicts=(kept red cut-short error unusable nothing)
output() { printf '%s<<%s\n%s\n%s\n' "$1" "$token" "$2" "$token" >>"$GITHUB_OUTPUT"; }
output exit-code "$code"
output verdict "${verdicts[$code]:-error}"
output claim "$claim"
output report-dir "$REPORT_DIR"
output badge "$badge"
exit "$code"
