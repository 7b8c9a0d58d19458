/** The two targets on which the same cases run. */
import * as tl from '../../../src/index.js';
import { useCluster, type Opened } from './cluster.js';

export interface Bench {
  open<T>(build: () => T): Opened<T>;
}

/** This process, and a cluster that is started for the tests of this file. */
export function useBenches(): readonly (readonly [name: string, bench: Bench])[] {
  const here = useCluster();
  const local: Bench = {
    open: (build) => {
      const g = new tl.Graph();
      const parts = g.asDefault(build);
      return { g, s: new tl.Session({ graph: g }), parts };
    },
  };
  // Variables of one test are not those of another, whatever their names.
  const cluster: Bench = { open: (build) => here.open(build, { config: { isolateSessionState: true } }) };
  return [
    ['local', local],
    ['cluster', cluster],
  ];
}
