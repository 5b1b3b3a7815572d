// Composes the schemas of leadgraph, at LEADGRAPH_URL, and of accounts, at ACCOUNTS_URL,
// with both libraries that gateways use. Checks the results and writes them to the
// folder SUPERGRAPHS as apollo.graphql and guild.graphql. The schema in the file
// SCOPED, which demands scopes, is composed and checked too.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { composeServices as composeByGuild, transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { sdl as accounts } from './accounts.mjs';

const { LEADGRAPH_URL, ACCOUNTS_URL, SUPERGRAPHS, SCOPED } = process.env;
const response = await fetch(LEADGRAPH_URL, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: '{ _service { sdl } }' }),
});
const { data, errors } = await response.json();
assert.equal(errors, undefined);

const { sdl } = data._service;
for (const [name, compose, leads, scoped] of [
  ['apollo', composeServices, sdl],
  ['guild', composeByGuild, sdl],
  ['apollo-scoped', composeServices, readFileSync(SCOPED, 'utf8'), true],
  ['guild-scoped', composeByGuild, readFileSync(SCOPED, 'utf8'), true],
]) {
  const { supergraphSdl, errors, hints = [] } = compose([
    { name: 'leads', url: LEADGRAPH_URL, typeDefs: parse(leads) },
    { name: 'accounts', url: ACCOUNTS_URL, typeDefs: parse(accounts) },
  ]);
  assert.deepEqual(errors?.map(String) ?? [], [], name);
  assert.deepEqual(hints.map(String), [], name);
  const supergraph = parse(supergraphSdl);
  const definition = (name) => supergraph.definitions.find((d) => d.name?.value === name);
  const directives = (node) => node.directives.map((d) => d.name.value);
  const field = (type, name) => definition(type).fields.find((f) => f.name.value === name);
  for (const hidden of ['node', 'nodes']) assert.ok(directives(field('Query', hidden)).includes('inaccessible'), `${name}: ${hidden}`);
  assert.ok(directives(field('ContactDetails', 'email')).includes('tag'), `${name}: tag`);
  assert.ok(field('Lead', 'account') && field('Lead', 'freshness'), `${name}: Lead`);
  for (const demanding of [field('ContactDetails', 'email'), field('Query', 'leadStats'), definition('Lead')])
    assert.equal(directives(demanding).includes('requiresScopes'), Boolean(scoped), `${name}: scopes of ${demanding.name.value}`);
  const shown = transformSupergraphToPublicSchema(supergraph).definitions.find((d) => d.name?.value === 'Query').fields.map((f) => f.name.value);
  assert.deepEqual(shown.sort(), ['accounts', 'lead', 'leadChanges', 'leadStats', 'leads', 'leadsByTenantIds'], name);
  writeFileSync(`${SUPERGRAPHS}/${name}.graphql`, supergraphSdl);
  console.log('ok', name);
}
