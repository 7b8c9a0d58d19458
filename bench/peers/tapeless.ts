/** tapeless itself: a session's prepared run. */
import * as tl from '../../src/index.js';
import { runnerOf, type Peer, type Workload } from '../types.js';
import { arrayOf, stepGraph } from './tapeless-graph.js';

export function tapeless(name: string, options: tl.SessionOptions): Peer {
  return {
    name,
    version: 'this checkout',
    kind: name === 'tapeless' ? 'wasm' : 'own',
    load: async (workload: Workload) => {
      const { graph, init, fetches, update, feeds, data } = stepGraph(workload);
      const session = new tl.Session({ graph, ...options });
      if (init) session.runSync(init);
      const wanted: tl.Fetches = update ? [...fetches, update] : [...fetches];
      const { sync } = session.makeCallable(wanted, { feeds });
      const arrays = data.map(arrayOf);
      const step = () =>
        (sync(...arrays) as unknown as readonly (tl.NDArray | null)[])
          .filter((result) => result !== null)
          .map((result) => result.data as ArrayLike<number>);
      return runnerOf(step, () => session.close());
    },
  };
}
