-- VMs that are unhealthy now and were not in their newest row before the last 24 hours of what is here.
WITH now AS (SELECT max(TimeGenerated) AS at FROM rows), before AS (
  SELECT rows.* FROM rows, now WHERE machine IS NOT NULL AND TimeGenerated <= now.at - INTERVAL 24 HOUR
  QUALIFY row_number() OVER (PARTITION BY machine ORDER BY TimeGenerated DESC) = 1
)
SELECT latest.vm.name AS vm, latest.root_cause, before.verdict AS was
FROM latest JOIN before USING (machine)
WHERE latest.verdict = 'unhealthy' AND before.verdict <> 'unhealthy'
ORDER BY vm;
