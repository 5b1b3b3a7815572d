// fetcher sends one operation as a plain JSON POST. The toolkit's own fetcher
// also accepts multipart and event-stream responses, which the playground does
// not need.
export async function fetcher(operation, { headers } = {}) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json",
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(operation),
  });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`HTTP status ${response.status}: the response is not JSON.`);
  }
}
