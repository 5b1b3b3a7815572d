// Composes the subgraphs of a file and prints the supergraph. Each has the name, the url
// at which the gateway asks it, and, if that is another one, the url at which it is asked
// for its schema now.
import { readFileSync } from 'node:fs';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';

const subgraphs = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const services = [];
for (const { name, url, askedAt = url } of subgraphs) {
  const response = await fetch(askedAt, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(process.env.AUTHORIZATION && { authorization: process.env.AUTHORIZATION }) },
    body: JSON.stringify({ query: '{ _service { sdl } }' }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
  services.push({ name, url, typeDefs: parse(data._service.sdl) });
}
const { supergraphSdl, errors } = composeServices(services);
if (errors?.length) throw new Error(errors.join('\n'));
process.stdout.write(supergraphSdl);
