/** Notices a server that went away without a word while something long is awaited from it. */

/** How to ask a server whether it is there: rejects where it does not say anything by the deadline. */
export interface Heartbeat {
  readonly everyMs: number;
  readonly ask: (deadline: number) => Promise<void>;
  /** What the wait ends with where the server stays silent. */
  readonly lost: (silentMs: number) => Error;
}

/** A server that is merely busy may miss one. */
const missesAllowed = 1;

/** Runs `act`, and gives it up, through the signal, when the server has missed two heartbeats in a row. */
export async function watched<T>(heartbeat: Heartbeat, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { everyMs, ask, lost } = heartbeat;
  const stop = new AbortController();
  if (everyMs === 0) return act(stop.signal);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let misses = 0;
  const beat = async (): Promise<void> => {
    try {
      await ask(Date.now() + everyMs);
      misses = 0;
    } catch {
      misses++;
    }
    if (isOver) return;
    if (misses > missesAllowed) stop.abort(lost(misses * everyMs));
    else wait();
  };
  const wait = (): void => {
    timer = setTimeout(() => void beat(), misses > 0 ? 0 : everyMs);
  };
  wait();
  try {
    return await act(stop.signal);
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
