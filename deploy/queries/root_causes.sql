-- Root causes by resource group, location and image: how many VMs have them there, of how many.
WITH places AS (
  SELECT machine, root_cause, 'resource group' AS kind, lower(vm.resource_group) AS place FROM latest
  UNION ALL SELECT machine, root_cause, 'location', vm.location FROM latest
  UNION ALL SELECT machine, root_cause, 'image', vm.image FROM latest
), sizes AS (SELECT kind, place, count(*) AS vms FROM places GROUP BY ALL)
SELECT root_cause, kind, place, count(*) AS vms, any_value(sizes.vms) AS of_vms
FROM places JOIN sizes USING (kind, place)
WHERE root_cause IS NOT NULL
GROUP BY root_cause, kind, place
ORDER BY root_cause, kind, vms DESC, place;
