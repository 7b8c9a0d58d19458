/** The process of one JavaScript peer: answers the questions of `process-peer.ts`. */
import { createInterface } from 'node:readline';
import { scriptPeers } from './peers/index.js';
import { packResults, type Answer } from './protocol.js';
import { isUnable, type Peer, type Runner } from './types.js';
import { workloads } from './workloads/index.js';

// Whatever a library prints must not get between the answers.
console.log = console.info = console.warn = console.error;

const name = process.argv[2]!;
let peer: Peer | null = null;
let runner: Runner | null = null;

async function answer(question: Answer): Promise<Answer> {
  if ('open' in question) {
    peer = await scriptPeers.find((entry) => entry.name === name)!.open();
    return { version: peer.version };
  }
  if ('load' in question) {
    await runner?.close();
    runner = null;
    const loaded = await peer!.load(workloads.find(({ id }) => id === question['load'])!);
    if (isUnable(loaded)) return { unable: loaded.unable };
    runner = loaded;
    return {};
  }
  if ('results' in question) return { results: packResults(await runner!.results(Number(question['results']))) };
  return { seconds: await runner!.time(Number(question['time'])) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const given = await answer(JSON.parse(line) as Answer).catch((error: unknown) => ({
    error: error instanceof Error ? error.message : String(error),
  }));
  process.stdout.write(`${JSON.stringify(given)}\n`);
}
process.exit(0);
