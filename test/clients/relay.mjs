// Tests Relay: its compiler reads the schema. Its runtime pages through a
// @connection, refetches a fragment by node(id:), and keeps a list in step by the
// directives for lists, over Apollo's multipart protocol.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import compiler from 'relay-compiler';
import relay from 'relay-runtime';
import { createFetchMultipartSubscription } from '@apollo/client/utilities/subscriptions/relay';
import { check, removedIds, schema, url } from './check.mjs';
import { iterate } from './follow.mjs';
import { fields, inStep } from './live.mjs';

const source = `
graphql\`query leadsQuery { ...leads_query }\`;
graphql\`fragment leads_query on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 100 }, cursor: { type: "Cursor" })
  @refetchable(queryName: "leadsNextQuery") {
  leads(first: $count, after: $cursor, filter: { status: [REMOVED] }) @connection(key: "leads_query_leads") {
    edges { node { id ...leads_lead } }
  }
}\`;
graphql\`fragment leads_lead on Lead @refetchable(queryName: "leadsLeadQuery") {
  status
  contactDetails { companyName }
}\`;
graphql\`query leadsAllQuery {
  leads(first: 1000) @connection(key: "leadsAll_leads") { edges { node { ${fields} } } changeCursor revision }
}\`;
graphql\`subscription leadsWatchSubscription($after: ChangeCursor, $connections: [ID!]!) {
  leadChanges(after: $after, onGap: RESET) {
    changes {
      kind
      removedId @deleteEdge(connections: $connections)
      edge @appendEdge(connections: $connections) { node { id } }
      lead { ${fields} }
    }
    cursor reset revision
  }
}\`;
`;

const dir = mkdtempSync(join(tmpdir(), 'leadgraph-relay-'));
process.on('exit', () => rmSync(dir, { recursive: true }));
const artifact = (name) => createRequire(join(dir, 'artifacts/'))(`./${name}.graphql.js`);

await check('relay-compiler', () => {
  for (const name of ['src', 'artifacts']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'src/leads.js'), source);
  writeFileSync(join(dir, 'schema.graphql'), schema());
  const config = { src: 'src', schema: 'schema.graphql', artifactDirectory: 'artifacts', language: 'javascript', eagerEsModules: false };
  writeFileSync(join(dir, 'relay.config.json'), JSON.stringify(config));
  execFileSync(compiler, ['relay.config.json', '--noWatchman', '--output', 'quiet-with-errors'], { cwd: dir });
});

const environmentOf = (url) =>
  new relay.Environment({
    store: new relay.Store(new relay.RecordSource()),
    network: relay.Network.create(async ({ text: query }, variables) => {
      const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
      return response.json();
    }, createFetchMultipartSubscription(url)),
  });
const environment = environmentOf(url);

/** Runs a query and returns a snapshot of its result, as the hooks of react-relay do. */
async function load(name, variables, within = environment) {
  const operation = relay.createOperationDescriptor(artifact(name), variables);
  within.retain(operation);
  await relay.__internal.fetchQuery(within, operation).toPromise();
  return within.lookup(operation.fragment);
}

/** Reads a fragment from the object that refers to it. */
function read(name, parent) {
  const { data, isMissingData } = environment.lookup(relay.getSingularSelector(artifact(name), parent));
  assert.equal(isMissingData, false);
  return data;
}

let list;
await check('@connection', async () => {
  const parent = (await load('leadsQuery', {})).data;
  const want = await removedIds();
  list = read('leads_query', parent);
  assert.equal(list.leads.edges.length, 100);
  const { paginationRequest, paginationMetadata } = relay.getPaginationMetadata(artifact('leads_query'), 'leads');
  const next = async () => {
    const { endCursor } = list.leads.pageInfo; // the compiler selects it
    const variables = relay.getPaginationVariables('forward', 100, endCursor, {}, {}, paginationMetadata);
    await load(paginationRequest.params.name, variables);
    list = read('leads_query', parent);
  };
  while (list.leads.pageInfo.hasNextPage) await next();
  const end = list.leads.pageInfo;
  await next(); // after the last lead
  assert.deepEqual(list.leads.pageInfo, end);
  assert.deepEqual(list.leads.edges.map(({ node }) => node.id), want);
});

await check('@refetchable', async () => {
  const [{ node }] = list.leads.edges;
  const { refetchableRequest } = relay.getRefetchMetadata(artifact('leads_lead'), 'lead');
  const { data } = await load(refetchableRequest.params.name, { id: node.id });
  const card = read('leads_lead', data.node);
  assert.equal(card.status, 'REMOVED');
  assert.deepEqual(card, read('leads_lead', node));
});

// In development Relay warns of each change without an edge. Nothing is wrong with it.
const warn = console.error;
console.error = (text, ...more) => /Expected the server edge to be non-null/.test(text) || warn(text, ...more);

let live; // an environment whose store holds the list
const nodes = ({ leads }) => leads.edges.map(({ node }) => node);

await inStep(
  'changes',
  () => (after) =>
    iterate(({ next, error, complete }) => {
      const connections = [relay.ConnectionHandler.getConnectionID('client:root', 'leadsAll_leads')];
      const { dispose } = relay.requestSubscription(live, {
        subscription: artifact('leadsWatchSubscription'),
        variables: { after, connections },
        onNext: (data) => next({ data }),
        onError: error,
        onCompleted: complete,
      });
      return dispose;
    }),
  {
    async begin(url) {
      live = environmentOf(url);
      const { data } = await load('leadsAllQuery', {}, live);
      return { ...data.leads, nodes: nodes(data) };
    },
    keeps() {
      const operation = relay.createOperationDescriptor(artifact('leadsAllQuery'), {});
      return nodes(live.lookup(operation.fragment).data);
    },
  },
);
