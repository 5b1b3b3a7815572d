// Tests urql with its normalizing cache: reading the schema by introspection, paging
// by its Relay resolver, @defer, and changes over its fetchExchange.
import assert from 'node:assert/strict';
import { Client, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { getIntrospectionQuery } from 'graphql';
import { ask, check, leadId, removedIds, tenantId, url } from './check.mjs';
import { iterate } from './follow.mjs';
import { all, inStep, watch } from './live.mjs';

const warnings = [];
const embedded = () => null;
const schema = await ask(getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }));
const client = new Client({
  url,
  preferGetMethod: false,
  exchanges: [
    cacheExchange({
      schema,
      keys: { ContactDetails: embedded, LeadStats: embedded, StatusCount: embedded },
      resolvers: { Query: { leads: relayPagination() } },
      logger: (severity, message) => severity === 'warn' && warnings.push(message),
    }),
    fetchExchange,
  ],
});

async function read(query, variables, context) {
  const { data, error } = await client.query(query, variables, context).toPromise();
  assert.ifError(error);
  return data;
}

await check('relayPagination', async () => {
  const query = gql`
    query Removed($after: Cursor) {
      leads(first: 100, after: $after, filter: { status: [REMOVED] }) {
        edges { cursor node { id status contactDetails { companyName } } }
        pageInfo { hasNextPage endCursor }
      }
    }`;
  const want = await removedIds();
  let { leads } = await read(query, {});
  assert.equal(leads.edges.length, 100);
  while (leads.pageInfo.hasNextPage) ({ leads } = await read(query, { after: leads.pageInfo.endCursor }));
  const end = leads.pageInfo.endCursor;
  ({ leads } = await read(query, { after: end })); // after the last lead
  assert.deepEqual(leads.edges.map((edge) => edge.node.id), want);
  assert.deepEqual([leads.pageInfo.hasNextPage, leads.pageInfo.endCursor], [false, end]);
});

await check('GET', async () => {
  const query = gql`query One($id: UUID!) { lead(tenantId: $id) { id statusText } }`;
  const data = await read(query, { id: tenantId }, { preferGetMethod: 'force' });
  assert.equal(data.lead.id, leadId);
});

await check('@defer', async () => {
  const query = gql`
    query Dashboard($id: UUID!) {
      lead(tenantId: $id) { id isDirectLead }
      ... @defer { leadStats { total byStatus { status count } } }
    }`;
  // With the schema, graphcache treats what it has cached of a deferred query, even
  // nothing, as its first part, and sends no request.
  const context = { requestPolicy: 'network-only' };
  const parts = [];
  const data = await new Promise((resolve, reject) => {
    client.query(query, { id: tenantId }, context).subscribe((result) => {
      parts.push(result.hasNext);
      if (result.error) reject(result.error);
      else if (!result.hasNext) resolve(result.data);
    });
  });
  assert.deepEqual(parts, [true, false]);
  assert.equal(data.leadStats.total, (await ask('{ leadStats { total } }')).leadStats.total);
});

await check('no warning of the cache', () => assert.deepEqual(warnings, []));

const list = gql(all);
let live; // a client whose cache holds the list

await inStep(
  'changes',
  () => (after) =>
    iterate((sink) => {
      const { unsubscribe } = live.subscription(watch, { after }).subscribe((result) => {
        if (result.error) sink.error(result.error);
        else if (result.hasNext) sink.next(result);
        else sink.complete(); // the last result again, as the stream has ended
      });
      return unsubscribe;
    }),
  {
    async begin(url) {
      const updates = {
        Subscription: {
          // The cache has stored the leads of the batch by their ids. Only the members of the list remain to be changed.
          leadChanges({ leadChanges }, _, cache) {
            for (const { kind, lead, removedId } of leadChanges.changes) {
              const without = ({ leads }) => leads.nodes.filter(({ id }) => id !== (removedId ?? lead.id));
              if (kind !== 'UPDATED')
                cache.updateQuery({ query: list }, (data) => ({
                  ...data,
                  leads: { ...data.leads, nodes: removedId ? without(data) : [...without(data), lead] },
                }));
            }
          },
        },
      };
      const keys = { ContactDetails: () => null, LeadChangeBatch: () => null, LeadChange: () => null, LeadConnection: () => null };
      live = new Client({
        url, preferGetMethod: false, fetchSubscriptions: true,
        exchanges: [cacheExchange({ schema, keys, updates }), fetchExchange],
      });
      const { data, error } = await live.query(list, {}).toPromise();
      assert.ifError(error);
      return data.leads;
    },
    keeps: () => live.readQuery(list, {}).data.leads.nodes,
  },
);
