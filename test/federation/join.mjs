// Joins 1,000 accounts to their leads and tenants, through the gateway at GATEWAY_URL or,
// without one, through the library of Hive Gateway in this process, which executes the
// supergraph of the file SUPERGRAPH. STATE says how the platform is: well or failing.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { graphql } from 'graphql';

const { GATEWAY_URL, SUPERGRAPH, STATE } = process.env;

async function through(source) {
  if (GATEWAY_URL) {
    const response = await fetch(GATEWAY_URL, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: source }) });
    return response.json();
  }
  const schema = getStitchedSchemaFromSupergraphSdl({
    supergraphSdl: readFileSync(SUPERGRAPH, 'utf8'),
    onSubschemaConfig: (config) => (config.executor = buildHTTPExecutor({ endpoint: config.endpoint })),
    batch: true,
  });
  return JSON.parse(JSON.stringify(await graphql({ schema, source })));
}

const codes = (errors = []) => [...new Set(errors.map(({ extensions }) => extensions?.code))].sort();

const begun = performance.now();
const leads = await through('{ accounts { id lead { id status asOf freshness account { id } } } }');
const took = performance.now() - begun;
const known = leads.data.accounts.filter(({ id }) => /^a\d/.test(id));
assert.equal(known.length, 1000);
for (const { id, lead } of known) {
  assert.equal(lead?.account?.id, id, JSON.stringify(leads).slice(0, 500));
  assert.ok(lead.status && lead.asOf);
  assert.equal(lead.freshness, STATE === 'failing' ? 'STALE' : 'FRESH');
}
assert.ok(!leads.data.accounts.find(({ id }) => id === 'unknown').lead?.status);

const tenants = await through('{ accounts { id tenant { id leads { id } preferredLead { status } } } }');
if (!tenants.data) throw new Error(JSON.stringify(tenants.errors).slice(0, 1000));
const malformed = tenants.data.accounts.find(({ id }) => id === 'malformed');
assert.ok(!malformed.tenant?.leads);
const refused = tenants.errors.find(({ extensions }) => extensions?.code === 'BAD_USER_INPUT');
assert.match(refused.message, /^representations\[\d+\]\.id: must be Tenant: and a UUID\.$/);
for (const [i, { id, tenant }] of tenants.data.accounts.entries())
  if (/^a\d/.test(id)) assert.ok(tenant.leads.some((lead) => lead.id === leads.data.accounts[i].lead.id));

// A lookup of one tenant, which the platform fails to answer.
const one = await through(`{ lead(tenantId: "00000000-0000-4000-8000-00000000000${STATE === 'failing' ? 1 : 2}") { id } }`);
assert.deepEqual(codes(one.errors), STATE === 'failing' ? ['UPSTREAM_UNAVAILABLE'] : []);
console.log(`ok: 1,000 accounts joined to their leads in ${Math.round(took)} ms`);
