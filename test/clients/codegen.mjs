// Tests graphql-codegen's client preset: it generates code from the schema, and the
// server runs the generated documents.
import assert from 'node:assert/strict';
import { codegen } from '@graphql-codegen/core';
import { preset } from '@graphql-codegen/client-preset';
import { parse } from 'graphql';
import { ask, check, leadId, schema, tenantId } from './check.mjs';

const documents = `
fragment Card on Lead { id status consentedOn contactDetails { companyName companySizeRange { min max } } }
query Lead($id: UUID!) { lead(tenantId: $id) { ...Card } }
query Leads($first: Int, $after: Cursor, $filter: LeadFilter, $orderBy: [LeadOrder!]) {
  leads(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    edges { cursor node { ...Card } } pageInfo { hasNextPage endCursor } totalCount
  }
}`;
const scalars = { UUID: 'string', DateTime: 'string', CountryCode: 'string', Cursor: 'string', ChangeCursor: 'string', TimeZone: 'string', JSON: 'unknown' };

const files = {};
await check('client preset', async () => {
  const sections = await preset.buildGeneratesSection({
    schema: parse(schema()),
    documents: [{ location: 'leads.graphql', document: parse(documents), rawSDL: documents }],
    baseOutputDir: 'gql/',
    config: { scalars, strictScalars: true, enumsAsTypes: true, useTypeImports: true },
    presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' } },
    plugins: [],
    pluginMap: {},
  });
  for (const section of sections) files[section.filename] = await codegen(section);
  assert.match(files['gql/graphql.ts'], /export type LeadsQuery = /);
  assert.match(files['gql/graphql.ts'], /export type LeadStatus =/);
});

await check('generated documents', async () => {
  const texts = Object.values(JSON.parse(files['gql/persisted-documents.json']));
  const [one, page] = ['query Lead(', 'query Leads('].map((start) => texts.find((text) => text.includes(start)));
  assert.equal((await ask(one, { id: tenantId })).lead.id, leadId);
  const filter = { status: ['ACTIVE'], consentedOn: { from: '2024-01-01T00:00:00Z' } };
  const { leads } = await ask(page, { first: 3, filter, orderBy: { field: 'COMPANY_NAME', direction: 'DESC' } });
  assert.equal(leads.edges.length, 3);
});
