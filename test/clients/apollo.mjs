// Tests Apollo Client 4: paging by its Relay-style field policy, automatic persisted
// queries, @defer in both formats that it supports, and changes over its HttpLink.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { relayStylePagination } from '@apollo/client/utilities';
import { filter, firstValueFrom } from 'rxjs';
import { ask, check, leadId, removedIds, tenantId, url } from './check.mjs';
import { iterate } from './follow.mjs';
import { all, inStep, watch } from './live.mjs';

const clientOf = (link, options) =>
  new ApolloClient({
    link,
    cache: new InMemoryCache({
      typePolicies: { Query: { fields: { leads: relayStylePagination(['filter', 'orderBy']) } } },
    }),
    ...options,
  });

await check('relayStylePagination', async () => {
  const client = clientOf(new HttpLink({ uri: url }));
  const list = client.watchQuery({
    query: gql`
      query Removed($first: Int!, $after: Cursor) {
        leads(first: $first, after: $after, filter: { status: [REMOVED] }) {
          edges { cursor node { id status contactDetails { companyName } } }
          pageInfo { hasNextPage endCursor }
        }
      }`,
    variables: { first: 100 },
  });
  const want = await removedIds();
  let { leads } = (await firstValueFrom(list.pipe(filter(({ loading }) => !loading)))).data;
  assert.equal(leads.edges.length, 100);
  const next = () => list.fetchMore({ variables: { after: leads.pageInfo.endCursor } });
  const merged = () => {
    ({ leads } = client.readQuery(list.options));
    assert.deepEqual(leads.edges.map((edge) => edge.node.id), want);
    assert.equal(leads.pageInfo.hasNextPage, false);
    return leads.pageInfo.endCursor;
  };
  assert.ok(leads.pageInfo.hasNextPage);
  await next();
  const end = merged();
  const { data } = await next(); // after the last lead
  assert.deepEqual(data.leads.edges, []);
  assert.equal(merged(), end, 'an empty page changed the end cursor');
});

for (const useGETForHashedQueries of [false, true]) {
  await check(`PersistedQueryLink ${useGETForHashedQueries ? 'GET' : 'POST'}`, async () => {
    const sent = [];
    const http = new HttpLink({
      uri: url,
      fetch(uri, options) {
        const text = options.body ?? new URL(uri).searchParams.get('query');
        sent.push(`${options.method} ${text?.includes('contactDetails') ? 'text' : 'hash'}`);
        return fetch(uri, options);
      },
    });
    const sha256 = (text) => createHash('sha256').update(text).digest('hex');
    const client = clientOf(ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries }), http]));
    // The name makes the document new to the server.
    const query = gql(`query Hashed${Date.now()}($id: UUID!) { lead(tenantId: $id) { id contactDetails { companyName } } }`);
    for (let i = 0; i < 2; i++) {
      const { data } = await client.query({ query, variables: { id: tenantId }, fetchPolicy: 'network-only' });
      assert.equal(data.lead.id, leadId);
    }
    const hash = useGETForHashedQueries ? 'GET hash' : 'POST hash';
    assert.deepEqual(sent, [hash, 'POST text', hash]);
  });
}

for (const Handler of [Defer20220824Handler, GraphQL17Alpha9Handler]) {
  await check(`@defer ${Handler.name}`, async () => {
    let contentType;
    const http = new HttpLink({
      uri: url,
      async fetch(...request) {
        const response = await fetch(...request);
        contentType = response.headers.get('content-type');
        return response;
      },
    });
    const client = clientOf(http, { incrementalHandler: new Handler() });
    const query = gql`
      query Dashboard($id: UUID!) {
        lead(tenantId: $id) { id }
        ... @defer(label: "counts") { leadStats { total byStatus { status count } } }
      }`;
    const states = [];
    const data = await new Promise((resolve, reject) => {
      client.watchQuery({ query, variables: { id: tenantId } }).subscribe((result) => {
        if (result.error) reject(result.error);
        if (result.data) states.push([result.dataState, 'lead' in result.data, 'leadStats' in result.data]);
        if (!result.loading && result.dataState === 'complete') resolve(result.data);
      });
    });
    assert.match(contentType, /^multipart\/mixed/);
    assert.deepEqual(states, [['streaming', true, false], ['complete', true, true]]);
    assert.equal(data.lead.id, leadId);
    assert.equal(data.leadStats.total, (await ask('{ leadStats { total } }')).leadStats.total);
  });
}

const list = gql(all);
let live; // a client whose cache holds the list

await inStep(
  'changes',
  () => (after) =>
    iterate((sink) => {
      const subscription = live.subscribe({ query: gql(watch), variables: { after } }).subscribe({
        ...sink,
        next: (result) => (result.error ? sink.error(result.error) : sink.next(result)),
      });
      return () => subscription.unsubscribe();
    }),
  {
    async begin(uri) {
      live = new ApolloClient({ link: new HttpLink({ uri }), cache: new InMemoryCache() });
      return (await live.query({ query: list })).data.leads;
    },
    // The cache has stored the leads of the batch by their ids. Only the members of the list remain to be changed.
    each: ({ changes }) =>
      live.cache.batch({
        update(cache) {
          for (const { kind, lead, removedId } of changes) {
            if (removedId) cache.evict({ id: cache.identify({ __typename: 'Lead', id: removedId }) });
            if (kind !== 'CREATED' && kind !== 'ENTERED') continue;
            cache.updateQuery({ query: list }, ({ leads }) => ({
              leads: { ...leads, nodes: [...leads.nodes.filter(({ id }) => id !== lead.id), lead] },
            }));
          }
          cache.gc();
        },
      }),
    keeps: () => live.readQuery({ query: list }).leads.nodes,
  },
);
