// Tests changes without a client library: by server-sent events over fetch, and by polling.
import { askAt } from './check.mjs';
import { fields, inStep, watch } from './live.mjs';

await inStep('events', (url) => async function* (after) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'last-event-id': after },
    body: JSON.stringify({ query: watch }),
  });
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (text + chunk).split('\n');
    text = lines.pop();
    for (const line of lines) if (line.startsWith('data: {')) yield JSON.parse(line.slice('data: '.length));
  }
});

const page = `query Changes($after: ChangeCursor!) {
  leadChanges(after: $after) { nodes { kind removedId observedAt cursor lead { ${fields} } } cursor hasNextPage asOf }
}`;

await inStep('polling', (url) => async function* (after) {
  for (;;) {
    const { leadChanges } = await askAt(url, page, { after }, { 'cache-control': 'max-age=1' });
    const { nodes, cursor, hasNextPage, asOf } = leadChanges;
    // A page can have changes of several readings. The test looks at the copy after each.
    for (const change of nodes)
      yield { data: { leadChanges: { changes: [change], cursor: change.cursor, asOf: change.observedAt, reset: false } } };
    if (!hasNextPage) yield { data: { leadChanges: { changes: [], cursor, asOf, reset: false } } };
    after = cursor;
    if (!hasNextPage) await new Promise((resolve) => setTimeout(resolve, 100));
  }
});
