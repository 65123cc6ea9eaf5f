-- The newest row of each VM, which the other queries are about; run this one first. Rows of VMs that do not know themselves are left
-- out: each of their runs would be a VM. Put your files in place of ROWS: rows.ndjson, or a pattern such as reports/*.ndjson.
CREATE OR REPLACE VIEW rows AS
SELECT *, coalesce(lower(vm.resource_id), lower(vm.vm_id), lower(vm.name)) AS machine
FROM read_json('ROWS', format = 'newline_delimited', ignore_errors = true, columns = {
  TimeGenerated: 'TIMESTAMPTZ',
  schema: 'VARCHAR',
  tool: 'STRUCT(name VARCHAR, version VARCHAR)',
  run: 'STRUCT(id VARCHAR, started TIMESTAMPTZ, duration_ms BIGINT, attempts BIGINT, waited_ms BIGINT)',
  vm: 'STRUCT(name VARCHAR, resource_id VARCHAR, vm_id VARCHAR, location VARCHAR, cloud VARCHAR, subscription_id VARCHAR, resource_group VARCHAR, image VARCHAR)',
  identities: 'STRUCT(kind VARCHAR, principal_id VARCHAR, client_id VARCHAR, tenant_id VARCHAR, resource_id VARCHAR)[]',
  verdict: 'VARCHAR',
  exit_code: 'BIGINT',
  root_cause: 'VARCHAR',
  summary: 'STRUCT(pass BIGINT, warn BIGINT, fail BIGINT, "unknown" BIGINT, blocked BIGINT, skip BIGINT, ignored BIGINT)',
  checks: 'STRUCT(id VARCHAR, subject VARCHAR, stage VARCHAR, status VARCHAR, summary VARCHAR, duration_ms BIGINT, blocked_by VARCHAR, findings STRUCT(code VARCHAR, severity VARCHAR, seen VARCHAR, heals VARCHAR, ignored STRUCT(reason VARCHAR, "until" VARCHAR))[])[]'
})
WHERE schema = 'midoctor.row/1';

CREATE OR REPLACE VIEW latest AS
SELECT * FROM rows WHERE machine IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY machine ORDER BY TimeGenerated DESC) = 1;
