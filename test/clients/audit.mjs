// Runs graphql-http's audit of GraphQL over HTTP against the server at
// LEADGRAPH_URL and prints a line for each rule. Exits with 1 if a rule is broken.
import { serverAudits } from 'graphql-http';

const url = process.env.LEADGRAPH_URL;
if (!url) throw new Error('LEADGRAPH_URL: must be the URL of the endpoint');

const results = await Promise.all(serverAudits({ url }).map((audit) => audit.fn()));
const counts = {};
for (const { id, name, status, reason } of results) {
  const level = name.split(' ')[0];
  counts[level] ??= { ok: 0, broken: 0 };
  counts[level][status === 'ok' ? 'ok' : 'broken']++;
  console.log(status.padEnd(6), id, name, reason ?? '');
}
console.table(counts);
process.exitCode = results.every(({ status }) => status === 'ok') ? 0 : 1;
