// Writes the verdicts of graphql-js on input values, as variables and as literals:
// node coercion.mjs > ../../graph/coercion/testdata/graphql-js.json
// The values in it are those that a resolver gets.
import { buildSchema, parse, validate, getArgumentValues, getVariableValues } from 'graphql';

const types = [
  'Int', 'Int!', '[Int]', '[Int!]', '[Int!]!', '[[Int]]', '[[Int!]!]!', 'Float', 'Float!', '[Float!]', 'String', 'String!', '[String!]',
  'Boolean', 'Boolean!', '[Boolean]', 'ID', 'ID!', '[ID!]', 'Colour', 'Colour!', '[Colour!]', '[[Colour!]]', 'Box', 'Box!', '[Box!]', 'Must',
];

// Each is JSON; most are literals too, once the names of members lose their quotes.
const forms = [
  'null', 'true', 'false', '0', '-0', '1', '-1', '1.0', '1.5', '1e3', '1E3', '1e-1', '2147483647', '2147483648', '-2147483648', '-2147483649',
  '2147483647.0', '9007199254740991', '9007199254740993', '1180591620717411303424', '1e21', '1e400', '-1e400',
  '-0.0', '0.1e1', '100e-2', '1e-400', '-1e-400', '2147483647.5', '1e308',
  '""', '"1"', '"abc"', '"true"', '"RED"', '"red"', '"null"', '"\\u0000"', '"é😀"', '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ufeff"', '" "', '"1.0"', '"NaN"',
  '[]', '[1]', '[1, 2]', '[null]', '[[1]]', '[[1], null]', '[[[1]]]', '["1"]', '["RED"]', '["RED", "BLUE"]', '[true]', '[{}]', '[1.5]', '[1, "1"]',
  '{}', '{"count": 1}', '{"count": null}', '{"count": "1"}', '{"count": 1.0}', '{"count": [1]}', '{"size": null}', '{"size": 2}', '{"colours": "RED"}',
  '{"colours": ["RED", "GREEN"]}', '{"colours": null}', '{"colours": [null]}', '{"colours": []}', '{"inner": {}}', '{"inner": null}',
  '{"inner": {"inner": {"colours": "GREEN"}}}', '{"inner": [{}]}', '{"inner": {"size": null}}', '{"nope": 1}', '{"__typename": "Box"}', '{"inner": {"nope": null}}',
  '{"count": 1e999}', '{"count": -0}', '{"colours": "red"}', '{"colours": [["RED"]]}', '{"id": "\\ud83d"}',
  '{"id": 1}', '{"id": "1"}', '{"id": null}', '{"id": 1.5}', '{"id": [1]}',
];

// Literals that have no JSON form.
const literals = [
  'NULL', 'True', '[GREEN, null]', '{id: RED}',
  'RED', 'GREEN', 'BLUE', '[RED]', '[RED, BLUE]', 'abc', '"""block"""', '{colours: RED}', '{colours: [RED, GREEN]}', '{inner: {colours: GREEN}}', '[{colours: RED}, {}]',
];

// What a literal with variables gives; each variable is declared with its type and
// default, and has the value or, if that is undefined, none.
const nested = [
  ['Box', '{size: $x}', 'Int', undefined], ['Box', '{size: $x}', 'Int', null], ['Box', '{size: $x}', 'Int', 3], ['Box', '{size: $x}', 'Int = 2', undefined],
  ['Int', '$x', 'Int = "a"', 3], ['Int', '$x', 'Int! = null', 3], ['Int', '$x', 'Int = null', 3], ['Box', '$x', 'Box = {size: null}', {}], ['[Colour!]', '$x', '[Colour!] = RED', ['GREEN']],
  ['[Colour!]', '$x', '[Colour!] = [null]', ['GREEN']], ['Box', '{size: $x}', 'Int = 2', null], ['Box', '{size: $x}', 'Int = null', undefined], ['Box', '{size: $x}', 'Int!', 3],
  ['Box', '{count: $x}', 'Int', undefined], ['Box', '{count: $x}', 'Int', null], ['Box', '{count: $x}', 'Int! = 4', undefined],
  ['Box', '{inner: {count: $x}}', 'Int', 7], ['Box', '{inner: $x}', 'Box', { size: null }], ['Box', '{inner: $x}', 'Box', {}],
  ['Box', '{colours: $x}', '[Colour!]', 'RED'], ['Box', '{colours: $x}', 'Colour!', 'RED'], ['Box', '{colours: [$x]}', 'Colour!', 'RED'],
  ['Box', '{colours: [$x]}', 'Colour', 'RED'], ['Box', '{colours: [$x]}', 'Colour = RED', undefined], ['Box', '{colours: [$x]}', 'Colour = RED', null],
  ['[Int]', '[$x]', 'Int', undefined], ['[Int]', '[1, $x]', 'Int', null], ['[Int]', '$x', '[Int]', 1], ['[Int]', '$x', 'Int', 1],
  ['Int', '$x', 'Int', undefined], ['Int!', '$x', 'Int = 1', undefined], ['Int!', '$x', 'Int = 1', null], ['Int!', '$x', 'Int', 1], ['Must', '{id: $x}', 'ID', '1'],
  ['Must', '{id: $x}', 'ID!', 1], ['ID', '$x', 'Int', 1], ['Float', '$x', 'Int', 1], ['String', '$x', 'ID', '1'],
];

// coercion_test.go has the same schema.
const schema = (type) => buildSchema(`
  enum Colour { RED GREEN }
  input Box { count: Int size: Int! = 1 colours: [Colour!] inner: Box }
  input Must { id: ID! }
  type Query { take(value: ${type}): Int }
`);

const verdict = (type, document, variables) => {
  const own = schema(type);
  let doc;
  try { doc = parse(document); } catch { return { accepted: false }; }
  if (validate(own, doc).length) return { accepted: false };
  const operation = doc.definitions[0];
  const { errors, coerced } = getVariableValues(own, operation.variableDefinitions ?? [], variables);
  if (errors) return { accepted: false };
  try {
    const { value } = getArgumentValues(own.getQueryType().getFields().take, operation.selectionSet.selections[0], coerced);
    return { accepted: true, value };
  } catch { return { accepted: false }; }
};

const rows = [];
const add = (row) => rows.push(row);
for (const type of types) {
  for (const form of forms) {
    add({ type, variable: form, ...verdict(type, `query($x: ${type}) { take(value: $x) }`, { x: JSON.parse(form) }) });
    const literal = form.replaceAll(/"(\w+)":/g, '$1:');
    add({ type, literal, ...verdict(type, `{ take(value: ${literal}) }`) });
  }
  for (const literal of literals) add({ type, literal, ...verdict(type, `{ take(value: ${literal}) }`) });
}
for (const [type, literal, declared, value] of nested) {
  const row = { type, literal, declared };
  if (value !== undefined) row.variable = JSON.stringify(value);
  add({ ...row, ...verdict(type, `query($x: ${declared}) { take(value: ${literal}) }`, value === undefined ? {} : { x: value }) });
}
console.log('[\n' + rows.map((row) => JSON.stringify(row)).join(',\n') + '\n]');
