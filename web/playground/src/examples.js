// Each file examples/N-name.graphql becomes one tab, in the order of the file
// names. The tab's title is the name of the operation; its variables are in
// N-name.json.
const queries = import.meta.glob("../examples/*.graphql", { query: "?raw", import: "default", eager: true });
const variables = import.meta.glob("../examples/*.json", { query: "?raw", import: "default", eager: true });

export const examples = Object.keys(queries)
  .sort()
  .map((path) => ({
    query: queries[path],
    variables: variables[path.replace(/\.graphql$/, ".json")],
  }));
