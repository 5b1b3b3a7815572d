// Tests graphql-ws: answers and a refusal over one WebSocket; changes, with its own
// reconnection.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws'; // Node 20 has no WebSocket
import { check, leadId, tenantId, url } from './check.mjs';
import { inStep, watch } from './live.mjs';

let opened = 0;
const client = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  lazy: false,
  retryAttempts: 0,
  onNonLazyError: (error) => assert.ifError(error),
  on: { opened: () => opened++ },
});

async function results(payload) {
  const all = [];
  for await (const result of client.iterate(payload)) all.push(result);
  return all;
}

const query = 'query One($id: UUID!) { lead(tenantId: $id) { id } }';

await check('query', async () => {
  assert.deepEqual(await results({ query, variables: { id: tenantId } }), [{ data: { lead: { id: leadId } } }]);
});

await check('queries at the same time', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => results({ query, variables: { id: tenantId } })));
  for (const answer of all) assert.equal(answer[0].data.lead.id, leadId);
});

await check('refused document', async () => {
  await assert.rejects(results({ query: '{ nothing }' }), ([error]) => error.extensions.code === 'GRAPHQL_VALIDATION_FAILED');
});

await check('one connection', async () => {
  assert.equal(opened, 1);
  await client.dispose();
});

await inStep('changes', (url) => {
  const client = createClient({
    url: url.replace(/^http/, 'ws'), webSocketImpl: WebSocket, lazyCloseTimeout: 0,
    retryAttempts: 5, retryWait: async () => {}, shouldRetry: () => true,
  });
  return (after) => client.iterate({ query: watch, variables: { after } });
});
