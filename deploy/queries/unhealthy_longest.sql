-- The VMs that are unhealthy for the longest time: since the first row after the last one that was not.
WITH well AS (
  SELECT machine, max(TimeGenerated) AS last FROM rows WHERE verdict IN ('healthy', 'degraded') GROUP BY machine
)
SELECT latest.vm.name AS vm, latest.root_cause, strftime(timezone('UTC', min(rows.TimeGenerated)), '%Y-%m-%d %H:%M') AS since
FROM latest JOIN rows USING (machine) LEFT JOIN well USING (machine)
WHERE latest.verdict = 'unhealthy' AND (well.last IS NULL OR rows.TimeGenerated > well.last)
GROUP BY ALL ORDER BY since, vm LIMIT 50;
