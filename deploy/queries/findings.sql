-- Every finding that counts, warnings too: how many VMs have it, and three of them.
SELECT finding.code AS code, finding.severity AS severity, count(DISTINCT machine) AS vms, list_sort(list(DISTINCT vm.name))[:3] AS examples
FROM latest, unnest(checks) AS each(check_row), unnest(check_row.findings) AS one(finding)
WHERE finding.ignored IS NULL
GROUP BY ALL ORDER BY vms DESC, code;
