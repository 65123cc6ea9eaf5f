#!/usr/bin/env bash
# Asks what `midoctor check` asks, as a person would write it with curl and jq: one question after the other, each judged
# by a line. It is what the bench compares with; it explains nothing and finds no cause.
set -euo pipefail

imds=http://169.254.169.254/metadata
metadata() { curl --silent --show-error --fail --noproxy '*' --max-time 10 --header 'Metadata: true' "$@"; }
fail() { echo "FAIL $1"; exit 1; }

tag=$(cat /sys/class/dmi/id/chassis_asset_tag)
[ "$tag" = 7783-7084-3265-9085-8269-3286-77 ] || fail 'this is not an Azure VM'
[ -z "${HTTP_PROXY:-}${http_proxy:-}${IDENTITY_ENDPOINT:-}${MSI_ENDPOINT:-}" ] || fail 'the environment leads clients away'

headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
instance=$(metadata --dump-header "$headers" "$imds/instance?api-version=2019-03-11") || fail 'the metadata service'
IFS=$'\t' read -r vm name subscription < <(jq -r '.compute | [.resourceId, .name, .subscriptionId] | @tsv' <<<"$instance")
there=$(date --date "$(sed -n 's/^[Dd]ate: //p' "$headers" | tr -d '\r')" +%s)
skew=$(($(date +%s) - there))
[ "${skew#-}" -le 300 ] || fail "the clock is wrong by $skew s"

if curl --silent --max-time 2 http://localhost:50342/ >/dev/null; then fail 'the retired endpoint answers'; fi

tenant=$(metadata "$imds/identity/info?api-version=2018-02-01" | jq -r .tenantId)
answer=$(metadata --get --data-urlencode 'resource=https://management.azure.com/' \
  "$imds/identity/oauth2/token?api-version=2018-02-01") || fail 'no token'
token=$(jq -r .access_token <<<"$answer")
claims=$(jq -R 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson' <<<"$token")
IFS=$'\t' read -r oid tid expires < <(jq -r '[.oid, .tid, .exp] | @tsv' <<<"$claims")
[ "$expires" -gt "$(date +%s)" ] || fail 'the token has expired'
[ "$tid" = "$tenant" ] || fail 'the token is from another tenant'

getent ahosts management.azure.com >/dev/null || fail 'the name of Azure Resource Manager'
arm=https://management.azure.com
status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 10 \
  "$arm/subscriptions/$subscription?api-version=2022-12-01")
[ "$status" = 401 ] || fail "Azure Resource Manager answers $status"
manager() { curl --silent --show-error --fail --max-time 10 --header @- "$@" <<<"Authorization: Bearer $token"; }
principal=$(manager "$arm$vm?api-version=2024-07-01" | jq -r .identity.principalId) || fail 'no role'
[ "$principal" = "$oid" ] || fail 'the token is for another identity'
manager "$arm$vm/providers/Microsoft.Authorization/permissions?api-version=2022-04-01" |
  jq -e 'any(.value[].actions[]; . == "*/read" or . == "*")' >/dev/null || fail 'less than Reader'
role=$(manager --get --data-urlencode "\$filter=atScope() and assignedTo('$oid')" \
  "$arm$vm/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01" |
  jq -r '.value[0].properties.roleDefinitionId')
role=$(manager "$arm$role?api-version=2022-04-01" | jq -r .properties.roleName)
echo "OK $name signs in as $principal, $role"
