/** What a session hands from stage to stage: a plan is data, and every stage turns one into another. */
import type { Graph } from '../graph/graph.js';
import type { NDArray } from '../graph/ndarray.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import type { Resources } from '../ops/opdef.js';
import type { StageInfo } from './chain.js';
import type { PlanLog, SessionLog } from './debug/log.js';
import type { RunMetadata } from './run-metadata.js';
import type { DeviceAttributes } from './targets/cluster-options.js';

/** What one kind of run asks for. Feeds are known by tensor and shape, their values come later. */
export interface Request {
  readonly graph: Graph;
  readonly fetches: readonly Tensor[];
  /** Operations to run for their effect. */
  readonly targets: readonly Operation[];
  readonly feeds: readonly Feed[];
  /** Whether this very object comes again and again, so that preparing for it pays off: a callable's. */
  readonly isRepeated?: boolean;
}

export interface Feed {
  readonly tensor: Tensor;
  /** null where the plan is for any shape that the tensor may have. */
  readonly shape: readonly number[] | null;
}

/** One operation at its place in the run. Values live in numbered slots. */
export interface Step {
  readonly op: Operation;
  readonly inputs: readonly number[];
  /** A slot for each output; -1 where nobody wants it. */
  readonly outputs: readonly number[];
  /** Slots that hold nothing anybody still needs once this step is done. */
  readonly release: readonly number[];
}

export interface Plan {
  readonly request: Request;
  /** The operations to run, in order. */
  readonly operations: readonly Operation[];
  readonly steps: readonly Step[];
  readonly slots: number;
  /** The slots of the request's feeds and fetches, in their order. */
  readonly feedSlots: readonly number[];
  readonly fetchSlots: readonly number[];
}

/** One named, pure step of compilation. */
export interface Stage extends StageInfo {
  readonly run: (plan: Plan) => Plan;
  /** The outcome, for people to read. */
  readonly show: (plan: Plan) => string;
}

/** Turns finished plans into something that runs. */
export interface Backend {
  readonly name: string;
  /** What a request passes on its way to `load`. */
  readonly stages: readonly Stage[];
  readonly open: (session: SessionState) => Loader;
}

/** What all plans of a session share. */
export interface SessionState {
  readonly resources: Resources;
  /** How many may work on a run. */
  readonly threads: number;
  /** What is told of its plans; null where nobody listens. */
  readonly log: SessionLog | null;
}

/** Loads the plans of one session. */
export interface Loader {
  load(plan: Plan, log: PlanLog | null): Executable;
}

export interface RunLimits {
  /** Milliseconds since the epoch after which the run fails with a DeadlineExceededError. */
  readonly deadline: number;
  /** What notes how long each step takes; null where nobody asks. */
  readonly trace: RunMetadata | null;
  /** Whether the trace gets the graphs of the tasks. */
  readonly partitionGraphs?: boolean;
}

export interface Executable {
  /**
   * Runs once: values in the order of the plan's feeds and fetches. Feeds are read, never kept nor changed; results have storage of
   * their own.
   */
  run(feeds: readonly (NDArray | null)[], limits: RunLimits): readonly NDArray[];
  /** Gives back what it holds: it is not run again. */
  close(): void;
}

/** Runs that stop for what they fetch, and go on with more feeds. */
export interface PartialRuns {
  /** Declares all that will be fed and fetched. @returns what names the run */
  setup(request: Request, limits: RunLimits): Promise<string>;
  run(handle: string, request: Request, feeds: readonly NDArray[], limits: RunLimits): Promise<readonly NDArray[]>;
}

/** Runs graphs: in this process, or far away. */
export interface Target {
  run(request: Request, feeds: readonly NDArray[], limits: RunLimits): Promise<readonly NDArray[]>;
  /** Absent where results cannot be had at once. */
  readonly runSync: ((request: Request, feeds: readonly NDArray[], limits: RunLimits) => readonly NDArray[]) | null;
  /** Absent where a run cannot stop and go on. */
  readonly partial: PartialRuns | null;
  listDevices(): Promise<readonly DeviceAttributes[]>;
  close(): Promise<void>;
}
