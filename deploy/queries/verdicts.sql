-- How many VMs have which verdict.
SELECT verdict, count(*) AS vms FROM latest GROUP BY verdict ORDER BY vms DESC, verdict;
