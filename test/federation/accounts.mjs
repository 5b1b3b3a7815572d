// A second subgraph: accounts, each with a lead of leadgraph and its tenant. It adds the
// field `account` to Lead. It asks the server at LEADGRAPH_URL for the leads, serves until
// its standard input ends, and prints its URL.
import { createServer } from 'node:http';
import { buildSchema, graphql } from 'graphql';

export const sdl = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key"])

type Query {
  accounts: [Account!]!
}

type Account @key(fields: "id") {
  id: ID!
  lead: Lead
  tenant: Tenant
}

type Lead @key(fields: "id") {
  id: ID!
  account: Account
}

type Tenant @key(fields: "id", resolvable: false) {
  id: ID!
}
`;

// What a subgraph serves besides. graphql-js needs the directives to be declared.
const served = `
directive @link(url: String!, import: [String!]) on SCHEMA
directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT
scalar _Any
union _Entity = Account | Lead
extend type Query { _entities(representations: [_Any!]!): [_Entity]! }
`;

async function leads(url) {
  const query = '{ leads(first: 1000) { nodes { id tenantId } } }';
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) });
  return (await response.json()).data.leads.nodes;
}

function root(all) {
  const accounts = all.map(({ id, tenantId }, i) => ({
    __typename: 'Account',
    id: `a${i}`,
    lead: { __typename: 'Lead', id },
    tenant: { __typename: 'Tenant', id: `Tenant:${tenantId.toLowerCase()}` },
  }));
  for (const account of accounts) account.lead.account = account;
  const ofLead = new Map(accounts.map((account) => [account.lead.id, account]));
  // An account whose lead leadgraph does not know, and one with a malformed key.
  accounts.push({ __typename: 'Account', id: 'unknown', lead: { __typename: 'Lead', id: 'no such lead' } });
  accounts.push({ __typename: 'Account', id: 'malformed', tenant: { __typename: 'Tenant', id: 'contoso' } });
  const entity = ({ __typename, id }) =>
    __typename === 'Lead' ? { __typename, id, account: ofLead.get(id) } : accounts.find((account) => account.id === id);
  return { accounts, _entities: ({ representations }) => representations.map(entity) };
}

if (process.env.LEADGRAPH_URL && import.meta.filename === process.argv[1]) {
  const schema = buildSchema(sdl + served);
  const rootValue = root(await leads(process.env.LEADGRAPH_URL));
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { query, variables, operationName } = JSON.parse(Buffer.concat(chunks));
    const result = await graphql({ schema, source: query, rootValue, variableValues: variables, operationName });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(result));
  });
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/graphql`));
  process.stdin.resume().on('end', () => process.exit());
}
