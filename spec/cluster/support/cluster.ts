/** The cluster of a spec file: one parameter server and two workers, started once, and the sessions opened on it. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { Cluster, type Jobs } from '../../../examples/distributed/cluster.js';
import * as tl from '../../../src/index.js';

export const python = (): string => {
  const path = process.env.TAPELESS_PYTHON;
  if (!path) throw new Error('TAPELESS_PYTHON is not set: use `npm run test:tensorflow`.');
  return path;
};

export interface Opened<T> {
  readonly g: tl.Graph;
  readonly s: tl.Session;
  readonly parts: T;
}

/** Starts a cluster for the tests of this file, and ends it with them. */
export function useCluster(jobs: Jobs = { ps: 1, worker: 2 }) {
  let cluster: Cluster | undefined;
  const sessions: tl.Session[] = [];
  const running = (): Cluster => {
    if (!cluster) throw new Error('The cluster is not started.');
    return cluster;
  };
  beforeAll(async () => void (cluster = await Cluster.start(python(), jobs)), 120_000);
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()));
  }, 60_000);
  afterAll(async () => cluster?.stop(), 60_000);
  return {
    get cluster() {
      return running();
    },
    /** A session whose master is the parameter server, unless told otherwise; closed after the test. */
    session(graph: tl.Graph, options: tl.SessionOptions = {}): tl.Session {
      const session = new tl.Session({ graph, target: running().target('ps'), ...options });
      sessions.push(session);
      return session;
    },
    /** A graph, and a session for it. */
    open<T>(build: () => T, options: tl.SessionOptions = {}): Opened<T> {
      const g = new tl.Graph();
      const parts = g.asDefault(build);
      return { g, s: this.session(g, options), parts };
    },
  };
}

/** What a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<tl.TapelessError> {
  try {
    await promise;
  } catch (error) {
    return error as tl.TapelessError;
  }
  throw new Error('It did not fail.');
}

const devices = {
  ps: '/job:ps/task:0',
  first: '/job:worker/task:0',
  second: '/job:worker/task:1',
} as const;

/** Builds on a task: the parameter server, or one of two workers. */
export function on<T>(task: keyof typeof devices, build: () => T): T {
  return tl.device(devices[task], build);
}
