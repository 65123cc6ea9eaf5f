#!/bin/sh
# Runs linux.sh on many VMs through Azure Run Command, and collects their compact lines.
#
#   az vm list --query "[?storageProfile.osDisk.osType=='Linux'].id" -o tsv | ./fleet.sh OUT
#   az vmss list-instances -g RG -n SCALE-SET --query "[].id" -o tsv | ./fleet.sh OUT
#
# Reads resource IDs, one a line: VMs, or instances of scale sets. Asks eight at a time (JOBS); a VM takes at least about twenty
# seconds, and each runs one script at a time. One that has not answered after LIMIT (15m) is silent. PROGRAM and CONFIG are linux.sh's first two parameters. Needs Azure CLI, signed in
# as somebody who may Microsoft.Compute/virtualMachines/runCommand/action, and nothing of the VMs but their agent and midoctor.
#
# Writes OUT/compact.ndjson, a line for each VM with a verdict, and OUT/silent.txt, `ID<tab>why` for each VM without one. A VM that
# is off or has no agent is silent, and is not healthy. What Run Command answered is kept in OUT/answers.
#
# Exit codes: 0 all healthy (warnings allowed), 1 some are unhealthy, 2 nothing could be asked, 3 none is unhealthy, but some are undetermined or silent.
set -u

say() { printf 'fleet: %s\n' "$1" >&2; }

[ $# -eq 1 ] || { say "name one folder for what is collected, and give resource IDs on standard input"; exit 2; }
command -v az >/dev/null || { say "az is not installed"; exit 2; }
# Without a number no batch would ever end.
case ${JOBS:-8} in
  *[!0-9]* | 0) say "JOBS is $JOBS, which is no number from 1"; exit 2 ;;
esac
# A VM whose agent does not answer would hold its batch for an hour and a half. macOS has no timeout unless coreutils is installed.
limit=
if command -v timeout >/dev/null; then limit="timeout ${LIMIT:-15m}"; fi
here=$(cd "$(dirname "$0")" && pwd) || exit 2
out=$1
mkdir -p "$out/answers" || exit 2
rm -f "$out/answers"/*
: >"$out/compact.ndjson" || exit 2
: >"$out/silent.txt" || exit 2

# Asks one VM. A scale set's instance is named as such, and has a command of its own.
ask() {
  case $1 in
    */[Vv]irtual[Mm]achine[Ss]cale[Ss]ets/*) kind=vmss ;;
    *) kind=vm ;;
  esac
  # Answers are told apart by their number, since names are unique within a resource group only.
  # shellcheck disable=SC2086 # a command and its argument
  $limit az "$kind" run-command invoke --ids "$1" --command-id RunShellScript --scripts "@$here/linux.sh" \
    --parameters "${PROGRAM:-/usr/local/bin/midoctor}" ${CONFIG:+"$CONFIG"} \
    --query 'value[0].message' --output tsv --only-show-errors >"$out/answers/$2.txt" 2>"$out/answers/$2.err" </dev/null
  [ $? -ne 124 ] || echo "no answer within ${LIMIT:-15m}" >>"$out/answers/$2.err"
}

count=0
waiting=0
# The last line may have no end, and an Azure CLI of Windows ends lines with a carriage return.
while IFS= read -r id || [ -n "$id" ]; do
  id=${id%"$(printf '\r')"}
  case $id in
    /subscriptions/*) ;;
    '') continue ;;
    *) say "$id is no resource ID; left out"; continue ;;
  esac
  count=$((count + 1))
  printf '%s\n' "$id" >"$out/answers/$count.id"
  ask "$id" "$count" &
  waiting=$((waiting + 1))
  # Plain sh cannot wait for whichever ends first: a batch ends together.
  if [ "$waiting" -ge "${JOBS:-8}" ]; then
    wait
    waiting=0
  fi
done
wait
[ "$count" -gt 0 ] || { say "no resource ID on standard input"; exit 2; }

number=0
while [ "$number" -lt "$count" ]; do
  number=$((number + 1))
  answer=$out/answers/$number
  id=$(cat "$answer.id")
  # The message is: Enable succeeded: / [stdout] / the output / [stderr] / nothing, as linux.sh writes all to standard output.
  line=$(tr -d '\r' <"$answer.txt" | sed -n '/^{.*}$/p' | tail -n 1)
  if [ -n "$line" ]; then
    printf '%s\n' "$line" >>"$out/compact.ndjson"
  else
    why=$(cat "$answer.txt" "$answer.err" | grep -v -e '^\[std' -e '^Enable ' -e '^$' | tail -n 1 | tr '\t' ' ')
    printf '%s\t%s\n' "$id" "${why:-no answer}" >>"$out/silent.txt"
  fi
done

of() { grep -c "\"verdict\":\"$1\"" "$out/compact.ndjson"; }
unhealthy=$(of unhealthy)
undetermined=$(of undetermined)
silent=$(grep -c '' "$out/silent.txt")
printf '%s VMs: %s healthy, %s degraded, %s unhealthy, %s undetermined, %s silent\n' \
  "$count" "$(of healthy)" "$(of degraded)" "$unhealthy" "$undetermined" "$silent"
[ "$unhealthy" -eq 0 ] || exit 1
[ "$((undetermined + silent))" -eq 0 ] || exit 3
exit 0
