// Follows the changes of leads over any client library: it keeps the cursor, and when a
// stream ends or fails it subscribes again from there. docs/live.md shows how to use it.

/** Errors that the same request would meet again. */
const final = new Set([
  'BAD_USER_INPUT', 'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'QUERY_TOO_COMPLEX',
  'FORBIDDEN', 'UNAUTHENTICATED', 'CHANGE_CURSOR_EXPIRED',
]);

/** Returns the codes in an error of Apollo Client, urql, graphql-ws or graphql-sse. */
export const codes = (error) =>
  [error.errors ?? error.graphQLErrors ?? error].flat().map(({ extensions }) => extensions?.code).filter(Boolean);

/** Waits longer after each failure: 0.5 to 1 s at first, then up to 30 s. */
const backoff = (failures) => Math.min(1000 * 2 ** failures, 30_000) * (0.5 + Math.random() / 2);

/**
 * Yields the batches of leadChanges after a cursor. open(after) subscribes: it returns an
 * async iterable of { data, errors }. A batch counts as applied when the caller asks for the
 * next one. Only errors that trying again does not help are thrown.
 */
export async function* follow(open, { after, signal, delay = backoff, onError = () => {} } = {}) {
  for (let failures = 0; !signal?.aborted; failures++) {
    try {
      for await (const { data, errors } of open(after)) {
        if (errors?.length) throw Object.assign(new Error(errors[0].message), { errors });
        yield data.leadChanges;
        after = data.leadChanges.cursor;
        failures = 0;
      }
    } catch (error) {
      if (codes(error).some((code) => final.has(code))) throw error;
      onError(error);
    }
    await new Promise((resolve) => setTimeout(resolve, delay(failures)));
  }
}

/** Applies a batch to a Map of leads by their ids. Repeated changes do no harm. */
export function apply(leads, { changes }) {
  for (const { lead, removedId } of changes) {
    if (removedId) leads.delete(removedId);
    else leads.set(lead.id, lead);
  }
}

/**
 * Turns a subscription with callbacks into an async iterable. subscribe gets an object with
 * next, error and complete, and returns a function that ends the subscription.
 */
export async function* iterate(subscribe, signal) {
  const queue = [];
  let wake = () => {};
  const push = (item) => (queue.push(item), wake());
  const complete = () => push({ done: true });
  const stop = subscribe({ next: (value) => push({ value }), error: (error) => push({ error }), complete });
  signal?.addEventListener('abort', complete);
  try {
    for (;;) {
      while (queue.length === 0) await new Promise((resolve) => (wake = resolve));
      const { value, error, done } = queue.shift();
      if (error) throw error;
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', complete);
    stop();
  }
}
