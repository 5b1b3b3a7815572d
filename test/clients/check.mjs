// Code that all client tests share: the server's URL, and checks. Each check prints
// a line. The program exits with 1 if a check fails.
import { readFileSync } from 'node:fs';

export const url = process.env.LEADGRAPH_URL;
if (!url) throw new Error('LEADGRAPH_URL: must be the URL of the endpoint');

/** The tenant and the id of the sandbox's first lead. */
export const tenantId = 'f94238e5-4f2c-4e1b-8125-2d27122ca75f';
export const leadId = 'da68eafc-d3c6-4d3b-9a10-c48b26c6086b';

/** Runs a check. Await it, so that checks run one after the other. */
export async function check(name, run) {
  try {
    await run();
    console.log('ok', name);
  } catch (error) {
    process.exitCode = 1;
    console.log('FAILED', name, error);
  }
}

/** Answers a query without a client library, for comparison. */
export const ask = (query, variables) => askAt(url, query, variables);

/** Answers a query of another endpoint. */
export async function askAt(endpoint, query, variables, headers) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Returns the ids of all removed leads: more than 100, less than 200. */
export const removedIds = async () =>
  (await ask('{ leads(first: 1000, filter: {status: [REMOVED]}) { nodes { id } } }')).leads.nodes.map(({ id }) => id);

/** Returns the schema as `leadgraph schema` prints it. */
export const schema = () => readFileSync(process.env.LEADGRAPH_SCHEMA, 'utf8');
