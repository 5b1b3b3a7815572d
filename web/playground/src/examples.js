// Each file examples/NN-name.graphql is one tab, in the order of the names; the
// tab's title is the operation's name. NN-name.json beside it holds variables.
const queries = import.meta.glob("../examples/*.graphql", { query: "?raw", import: "default", eager: true });
const variables = import.meta.glob("../examples/*.json", { query: "?raw", import: "default", eager: true });

export const examples = Object.keys(queries)
  .sort()
  .map((path) => ({
    query: queries[path],
    variables: variables[path.replace(/\.graphql$/, ".json")],
  }));
