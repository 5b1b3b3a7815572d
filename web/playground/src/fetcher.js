// fetcher sends one operation as a plain JSON POST. The toolkit's own fetcher
// also asks for multipart and event-stream answers, which the server has no
// use for.
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
    throw new Error(`HTTP status ${response.status}: the answer is not JSON.`);
  }
}
