// Tests graphql-sse in its distinct connections mode: an answer and a refusal; changes,
// with its own reconnection and the header Last-Event-ID.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { check, leadId, tenantId, url } from './check.mjs';
import { inStep, watch } from './live.mjs';

const client = createClient({ url, retryAttempts: 0 });

async function results(payload) {
  const all = [];
  for await (const result of client.iterate(payload)) all.push(result);
  return all;
}

await check('query', async () => {
  const query = 'query One($id: UUID!) { lead(tenantId: $id) { id } }';
  assert.deepEqual(await results({ query, variables: { id: tenantId } }), [{ data: { lead: { id: leadId } } }]);
});

await check('refused document', async () => {
  const [{ errors }, ...more] = await results({ query: '{ nothing }' });
  assert.equal(errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
  assert.deepEqual(more, []);
});

client.dispose();

await inStep('changes', (url) => (after) => {
  let last = after;
  const client = createClient({
    url, retryAttempts: 5, retry: async () => {},
    headers: () => ({ 'last-event-id': last }),
  });
  return (async function* () {
    for await (const result of client.iterate({ query: watch })) {
      yield result;
      last = result.data?.leadChanges.cursor ?? last;
    }
  })();
});
