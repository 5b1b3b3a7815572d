// fetcher sends one operation as a JSON POST. A subscription is answered by
// server-sent events, everything else by one JSON document. The toolkit's own
// fetcher also accepts multipart responses, which the playground does not need.
export async function fetcher(operation, { headers } = {}) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json, text/event-stream",
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(operation),
  });
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) return results(response.body);
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`HTTP status ${response.status}: the response is not JSON.`);
  }
}

// results yields the responses in a stream of events. The server writes each on one
// line and sends something every few seconds, after which an abandoned stream ends.
async function* results(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (text + value).split("\n");
      text = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data: {")) yield JSON.parse(line.slice("data: ".length));
      }
    }
  } finally {
    await reader.cancel();
  }
}
