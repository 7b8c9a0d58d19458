/** What a run says about itself: which steps it took, and how long each was. */
import type { GraphDef } from '../graph/graph-def/messages.js';
import type { NDArray } from '../graph/ndarray.js';

/** A step of a run (TensorFlow's NodeExecStats). */
export interface StepStats {
  /** What it gives: tensors, or the operation that acts. */
  readonly name: string;
  /**
   * `'kernel'`, `'matmul'`, … for steps of compiled plans, `'band'` for several that go through their rows together, `'host'` for what
   * JavaScript runs between them, `'operation'` without a compiler and on clusters, `'transfer'` for a tensor that one task of a cluster gets
   * from another.
   */
  readonly kind: string;
  /** The names of the operations that are computed in it. */
  readonly ops: readonly string[];
  /** Milliseconds from the start of the run to that of the step. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Bytes that it writes, or transfers. */
  readonly bytes: number;
  /** 0 for steps of the run, more for those of function bodies, loops and branches, within the step that calls them. */
  readonly depth: number;
  /** On a cluster, the device that it ran on, or that the tensor went to; absent here. */
  readonly device?: string;
  /** The device that a transferred tensor came from. */
  readonly from?: string;
}

/** What is known of a step beforehand. */
export type StepInfo = Pick<StepStats, 'name' | 'kind' | 'ops' | 'bytes'>;

/** Steps of one plan as they go by. */
export interface Timing {
  /** Step `i` begins, and the one before it is over. */
  step(i: number): void;
  /** The step under way wrote so many bytes, which was not known beforehand. */
  wrote(bytes: number): void;
  end(): void;
}

/** What arrays take in memory, as far as numbers are concerned. */
export function bytesOf(arrays: readonly (NDArray | null)[]): number {
  return arrays.reduce((sum, array) => sum + (ArrayBuffer.isView(array?.data) ? array.data.byteLength : 0), 0);
}

interface Noted {
  readonly infos: () => readonly StepInfo[];
  readonly step: number;
  readonly start: number;
  readonly depth: number;
  end: number;
  bytes: number | null;
}

/**
 * Filled by a run that is given one (TensorFlow `tf.compat.v1.RunMetadata`): what its steps are, and how long they take. A run that
 * fails leaves the steps it came to. Noting takes some tenths of a microsecond a step.
 *
 * @example
 * const x = placeholder('float32', [3]);
 * const y = tanh(x, { name: 'y' });
 * const session = new Session();
 * const trace = new RunMetadata();
 * session.runSync(y, new Map([[x, [1, 2, 3]]]), { trace });
 * trace.stepStats.map(({ ops }) => ops); // [['y']]
 */
export class RunMetadata {
  #noted: Noted[] = [];
  #given: readonly StepStats[] | null = null;
  #partitionGraphs: readonly GraphDef[] = [];
  #open = 0;
  #startMs = 0;
  #endMs = 0;

  /** The steps of the latest run, by their start. */
  get stepStats(): readonly StepStats[] {
    if (this.#given) return this.#given;
    return this.#noted.map(({ infos, step, start, end, depth, bytes }) => {
      const { name, kind, ops, bytes: known } = infos()[step]!;
      const startMs = start - this.#startMs;
      return { name, kind, ops, startMs, durationMs: end - start, bytes: bytes ?? known, depth };
    });
  }

  /** The graphs that the tasks of a cluster ran, where the run was asked for them: after its optimisers, with a send and a receive for each transfer. */
  get partitionGraphs(): readonly GraphDef[] {
    return this.#partitionGraphs;
  }

  /** From the start of the first step to the end of the last one, in milliseconds. */
  get durationMs(): number {
    return this.#endMs - this.#startMs;
  }

  /**
   * The steps as text in Chrome's trace event format (TensorFlow `timeline.Timeline.generate_chrome_trace_format`), which chrome://tracing and
   * ui.perfetto.dev show.
   */
  generateChromeTraceFormat(): string {
    const steps = this.stepStats;
    const devices = [...new Set(steps.map(({ device }) => device))];
    const named = devices.flatMap((device, pid) =>
      device === undefined ? [] : [{ name: 'process_name', ph: 'M', pid, args: { name: device } }],
    );
    const lanes = new Lanes();
    const events = steps.map(({ name, kind, ops, startMs, durationMs, bytes, device, from }) => {
      const pid = devices.indexOf(device);
      return {
        name,
        cat: kind,
        ph: 'X',
        ts: startMs * 1000,
        dur: durationMs * 1000,
        pid,
        tid: device === undefined ? 0 : lanes.take(pid, startMs, durationMs),
        args: { ops, bytes, ...(from !== undefined && { from }) },
      };
    });
    const traceEvents = [...named, ...events];
    return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' });
  }

  /**
   * The steps of a plan begin: those of the run, or, while that is under way, of a body. `infos` are asked for when somebody reads.
   * @internal
   */
  begin(infos: () => readonly StepInfo[]): Timing {
    const depth = this.#open++;
    if (depth === 0) {
      this.#given = null;
      this.#partitionGraphs = [];
      this.#noted = [];
      this.#startMs = performance.now();
    }
    let last: Noted | null = null;
    const over = (): number => {
      const now = performance.now();
      if (last) last.end = now;
      return now;
    };
    return {
      step: (step) => {
        const start = over();
        last = { infos, step, start, end: start, depth, bytes: null };
        this.#noted.push(last);
      },
      wrote: (bytes) => {
        if (last) last.bytes = bytes;
      },
      end: () => {
        this.#endMs = over();
        this.#open--;
      },
    };
  }

  /**
   * Takes what others noted of a run.
   * @internal
   */
  take(steps: readonly StepStats[], partitionGraphs: readonly GraphDef[]): void {
    this.#given = steps;
    this.#partitionGraphs = partitionGraphs;
    this.#startMs = 0;
    this.#endMs = steps.reduce((end, { startMs, durationMs }) => Math.max(end, startMs + durationMs), 0);
  }
}

/** Lines of a picture in which steps of one device that overlap are kept apart. */
class Lanes {
  readonly #ends = new Map<number, number[]>();

  take(device: number, start: number, duration: number): number {
    const ends = this.#ends.get(device) ?? [];
    this.#ends.set(device, ends);
    const free = ends.findIndex((end) => end <= start);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = start + duration;
    return lane;
  }
}
