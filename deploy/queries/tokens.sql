-- Which identities sign in, on how many VMs, and how many of those get no token or no valid one for some resource.
SELECT identity.kind AS kind, identity.principal_id AS principal_id, identity.client_id AS client_id, count(DISTINCT machine) AS vms,
  count(DISTINCT machine) FILTER (
    len(list_filter(checks, lambda one: one.id IN ('token', 'validity') AND one.status = 'fail')) > 0
  ) AS without_token
FROM latest, unnest(identities) AS each(identity)
GROUP BY ALL ORDER BY vms DESC, principal_id;
