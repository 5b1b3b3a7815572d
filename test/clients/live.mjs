// What the tests of all clients do with changes: list, follow from there, lose the
// connection or the replica, and still hold what the server lists.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { apply, follow } from './follow.mjs';
import { askAt, check } from './check.mjs';

/** The endpoint of a server whose sandbox changes all the time. */
const live = new URL(process.env.LEADGRAPH_LIVE_URL ?? 'http://unset/');

export const fields = 'id status lastModifiedOn comments contactDetails { companyName phoneNumber }';
export const watch = `subscription Watch($after: ChangeCursor) {
  leadChanges(after: $after, onGap: RESET) {
    changes { kind removedId lead { ${fields} } } cursor reset revision
  }
}`;

/** Lists all leads, which are fewer than 1000, and the cursor from which to watch them. */
export const all = `query All { leads(first: 1000) { nodes { ${fields} } changeCursor revision } }`;
const list = async () => {
  try {
    return (await askAt(live, all)).leads;
  } catch (error) { // a replica that ends closes connections that another request was about to use
    if (!(error instanceof TypeError)) throw error;
    return (await askAt(live, all)).leads;
  }
};

/** Forwards connections to the live server until they are cut. */
export async function wire() {
  const open = new Set();
  const server = createServer((socket) => {
    const other = connect(live.port, live.hostname);
    for (const [from, to] of [[socket, other], [other, socket]]) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => {}).on('close', () => (open.delete(from), to.destroy()));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(live);
  url.port = server.address().port;
  const cut = () => open.forEach((socket) => socket.destroy());
  return { url: url.href, cut, close: () => (server.close(), cut()) };
}

const cuts = 2;
const mostAhead = 300; // batches that a client's cache may have had before follow yields them
const mostMissed = 20; // batches that may come before the one that completes a revision

/**
 * Checks that a copy which is kept by follow is what the server lists. connect(url) returns the
 * function open of follow. The cache of a client can be checked as well: begin(url) lists
 * the leads by that client, each(batch) is called for every batch, and keeps() returns its
 * leads in the end.
 */
export const inStep = (name, connect, { begin = list, each = () => {}, keeps } = {}) =>
  check(name, async () => {
    const line = await wire();
    try {
      const first = await begin(line.url);
      const copy = new Map(first.nodes.map((lead) => [lead.id, lead]));
      const copies = new Map(); // by revision
      let changes = 0, lost = 0, ahead = 0, missed = 0, goal;
      for await (const batch of follow(connect(line.url), { after: first.changeCursor, delay: () => 10 })) {
        assert.equal(batch.reset, false);
        apply(copy, batch);
        each(batch);
        changes += batch.changes.length;
        if (batch.revision) copies.set(batch.revision, new Map(copy));
        if (!goal && changes >= 5 * (lost + 1)) {
          if (lost === cuts) goal = await list();
          else lost++, line.cut();
        }
        if (!goal) continue;
        if (!copies.has(goal.revision)) {
          if (++missed % mostMissed === 0) goal = await list(); // one batch has led past it
        } else if (!keeps || isDeepStrictEqual(sorted(keeps()), sorted(copy.values())) || ++ahead > mostAhead) break;
      }
      assert.deepEqual(sorted(copies.get(goal.revision).values()), sorted(goal.nodes));
      if (keeps) assert.deepEqual(sorted(keeps()), sorted(copy.values()));
    } finally {
      line.close();
    }
  });

/** Returns leads as plain values in the order of their ids. */
const sorted = (leads) => JSON.parse(JSON.stringify([...leads], plain)).sort((a, b) => (a.id < b.id ? -1 : 1));

/** Leaves out what client libraries add. */
const plain = (key, value) => (key.startsWith('__') ? undefined : value);
