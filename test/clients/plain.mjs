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
  leadChanges(after: $after) { nodes { kind removedId lead { ${fields} } } cursor hasNextPage revision }
}`;

await inStep('polling', (url) => async function* (after) {
  for (;;) {
    const { leadChanges } = await askAt(url, page, { after }, { 'cache-control': 'max-age=1' });
    const { nodes, cursor, hasNextPage, revision } = leadChanges;
    yield { data: { leadChanges: { changes: nodes, cursor, revision, reset: false } } };
    after = cursor;
    if (!hasNextPage) await new Promise((resolve) => setTimeout(resolve, 100));
  }
});
