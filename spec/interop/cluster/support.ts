/** Masters, sessions and a graph for the specs of the client; what is opened is closed after each test. */
import { afterEach } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { Master } from './master.js';

const opened: { stop?: () => void; close?: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await (each.close?.() ?? each.stop?.());
});

export async function master(...options: Parameters<typeof Master.start>): Promise<Master> {
  const started = await Master.start(...options);
  opened.push(started);
  return started;
}

export function session(graph: tl.Graph, target: string, options: tl.SessionOptions = {}): tl.Session {
  const made = new tl.Session({ graph, target, ...options });
  opened.push(made);
  return made;
}

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<tl.TapelessError> {
  return promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as tl.TapelessError,
  );
}

export function model() {
  const g = new tl.Graph();
  return g.asDefault(() => {
    const x = tl.placeholder('float32', [null], { name: 'x' });
    const [a, b] = tl.split(x, 2, { name: 'halves' }) as [tl.Tensor, tl.Tensor];
    return { g, x, a, b, act: tl.group(a, { name: 'act' }) };
  });
}

/** Ends after the test. */
export function closing(stop: () => void): void {
  opened.push({ stop });
}
