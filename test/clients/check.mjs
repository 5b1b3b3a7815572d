// What the scripts for the clients share: where the server is, and checks that
// print a line each and make the program exit with 1 if one fails.
import { readFileSync } from 'node:fs';

export const url = process.env.LEADGRAPH_URL;
if (!url) throw new Error('LEADGRAPH_URL: must be the URL of the endpoint');

/** The tenant of the sandbox's first lead, and the lead's id. */
export const tenantId = 'f94238e5-4f2c-4e1b-8125-2d27122ca75f';
export const leadId = 'da68eafc-d3c6-4d3b-9a10-c48b26c6086b';

/** Runs one check after the other, as top-level await makes it. */
export async function check(name, run) {
  try {
    await run();
    console.log('ok', name);
  } catch (error) {
    process.exitCode = 1;
    console.log('FAILED', name, error);
  }
}

/** Answers a query without any client, to compare with. */
export async function ask(query, variables) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** The ids of all removed leads: more than one page, less than two of 100. */
export const removedIds = async () =>
  (await ask('{ leads(first: 1000, filter: {status: [REMOVED]}) { nodes { id } } }')).leads.nodes.map(({ id }) => id);

/** The schema as `leadgraph schema` prints it. */
export const schema = () => readFileSync(process.env.LEADGRAPH_SCHEMA, 'utf8');
