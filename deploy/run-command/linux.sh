#!/bin/sh
# Examines this VM with the midoctor that is installed on it, for Azure Run Command (RunShellScript). Fetches nothing.
#
#   az vm run-command invoke --resource-group RG --name VM --command-id RunShellScript --scripts @linux.sh \
#     --parameters /usr/local/bin/midoctor
#
# Parameters, by place or by name (a managed run command passes names, as variables):
#   1  MIDOCTOR         the program                                         [/usr/local/bin/midoctor]
#   2  MIDOCTOR_CONFIG  a configuration file on the VM, for further flags   [none]
#   3  MIDOCTOR_EXIT    what the script ends with: `ok` or `verdict`        [ok]
#
# Run Command keeps the last 4,096 bytes of the output. So the report for people comes first and may lose its head, and the
# compact line, never longer than 4,000 bytes, comes last. Nothing goes to standard error, which counts as output too.
#
# Exit codes: with `ok`, 0 whenever there is a verdict, since Run Command drops the output of a failed script on some VMs and the
# exit code of any script on others; the line holds the verdict and the exit code. With `verdict`, midoctor's own: 0 healthy,
# 1 unhealthy, 3 undetermined; a managed run command reports it as instanceView.exitCode. Without a verdict 2, and a last line
# that begins with `midoctor:`.
set -u
exec 2>&1

midoctor=${1:-${MIDOCTOR:-/usr/local/bin/midoctor}}
config=${2:-${MIDOCTOR_CONFIG:-}}
ending=${3:-${MIDOCTOR_EXIT:-ok}}

fail() {
  printf 'midoctor: %s\n' "$1"
  exit 2
}

case $ending in
  ok | verdict) ;;
  *) fail "the third parameter is ok or verdict, and not $ending" ;;
esac
[ -x "$midoctor" ] || fail "$midoctor is no program on this VM; install it, or name it in the first parameter"
folder=$(mktemp -d) || fail "no temporary folder can be made; make room on this VM"
trap 'rm -rf "$folder"' EXIT

# The options come first, so that a configuration file can say the rest.
set -- check --color never -o text="$folder/text" -o compact="$folder/compact"
[ -z "$config" ] || set -- "$@" --config "$config"
"$midoctor" "$@" >"$folder/said" 2>&1
code=$?

# What went wrong is one line on standard error, which is in said.
[ -s "$folder/compact" ] || fail "no verdict (exit code $code): $(tail -n 1 "$folder/said")"
cat "$folder/text" "$folder/said"
cat "$folder/compact"
[ "$ending" = ok ] || exit "$code"
exit 0
