/** One session of a TensorFlow master: it is told the graph as that grows, and runs what is asked of it. */
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { DeadlineExceededError, InternalError, InvalidArgumentError, UnavailableError } from '../../graph/errors.js';
import type { Graph } from '../../graph/graph.js';
import { exportGraph, type ExportStart } from '../../graph/graph-def/graph-def.js';
import { arrayOf, tensorProto } from '../../graph/graph-def/tensor.js';
import type { NDArray } from '../../graph/ndarray.js';
import type { Request, RunLimits } from '../../session/plan.js';
import type { DeviceAttributes } from '../../session/targets/cluster-options.js';
import { RunOptions_TraceLevel, type RunOptionsSchema } from '../proto/master_pb.js';
import { Callables } from './callables.js';
import type { ConfigInit, Link } from './config.js';
import { failureOf } from './failures.js';
import { watched, type Heartbeat } from './heartbeat.js';
import { CallError, MasterClient, methods, type CallLimits, type Method } from './master-client.js';
import { remotePart, type RemotePart } from './remote-part.js';
import { noteSteps } from './steps.js';

const defaultControlTimeoutMs = 60_000;
const defaultHeartbeatMs = 10_000;
const closingTimeoutMs = 5_000;
const waitsForAll =
  'A master waits for all tasks of its cluster: start those that are missing, or leave them out by config: { deviceFilters }. channel: { controlTimeoutMs } says how long to wait.';

type GraphDefInit = NonNullable<MessageInitShape<typeof methods.createSession.input>['graphDef']>;
type ConfigMessage = NonNullable<MessageInitShape<typeof methods.createSession.input>['config']>;

/** What a call is for, in the errors it may end in. */
interface Purpose {
  readonly what: string;
  readonly inSession?: boolean;
  readonly whenLate?: string;
}

export class MasterSession {
  readonly #graph: Graph;
  readonly #link: Link;
  readonly #config: ConfigInit;
  readonly #client: MasterClient;
  readonly #callables: Callables;
  #handle = '';
  #version = 0n;
  /** How much of the graph the master has. */
  #sent: ExportStart = { nodes: 0, functions: 0 };

  constructor(graph: Graph, link: Link, config: ConfigInit) {
    this.#graph = graph;
    this.#link = link;
    this.#config = config;
    this.#client = new MasterClient(link.address, link.channel);
    this.#callables = new Callables(
      (request) => this.#makeCallable(request),
      (handle) => void this.#ask(methods.releaseCallable, { sessionHandle: this.#handle, handle }, this.#control(), { what: 'run' }).catch(() => undefined), // prettier-ignore
    );
  }

  /** The master's name for the session; empty before it was made. */
  get handle(): string {
    return this.#handle;
  }

  async run(request: Request, feeds: readonly NDArray[], limits: RunLimits): Promise<readonly NDArray[]> {
    const part = remotePart(request, feeds);
    if (part.isNothing) return part.assemble(new Map());
    await this.#update(request, limits);
    const isPrepared = request.isRepeated === true && limits.trace === null;
    return isPrepared ? this.#runCallable(request, part, limits) : this.#runStep(part, limits, '');
  }

  async setupPartialRun(request: Request, limits: RunLimits): Promise<string> {
    await this.#update(request, limits);
    const names = {
      feed: request.feeds.map(({ tensor }) => tensor.name),
      fetch: request.fetches.map(({ name }) => name),
      target: request.targets.map(({ name }) => name),
    };
    const message = { sessionHandle: this.#handle, ...names, requestId: freshId() };
    const purpose = { what: 'partialRunSetup', inSession: true };
    return (await this.#ask(methods.partialRunSetup, message, this.#control(limits), purpose)).partialRunHandle;
  }

  async partialRun(
    handle: string,
    request: Request,
    feeds: readonly NDArray[],
    limits: RunLimits,
  ): Promise<readonly NDArray[]> {
    if (this.#handle === '')
      throw new InvalidArgumentError('partialRun: no run was declared in this session; partialRunSetup does it.');
    return this.#runStep(remotePart(request, feeds), limits, handle);
  }

  async listDevices(): Promise<readonly DeviceAttributes[]> {
    const purpose = { what: 'listDevices', whenLate: waitsForAll };
    const message = { sessionHandle: this.#handle };
    const { localDevice, remoteDevice } = await this.#ask(methods.listDevices, message, this.#control(), purpose);
    return [...localDevice, ...remoteDevice].map(
      ({ name, deviceType, memoryLimit, incarnation, physicalDeviceDesc }) =>
        ({ name, deviceType, memoryLimit: Number(memoryLimit), incarnation, physicalDeviceDesc }),
    ); // prettier-ignore
  }

  /** Never fails: a server that is gone has nothing to give back. */
  async close(): Promise<void> {
    const limits = { deadline: Date.now() + closingTimeoutMs };
    try {
      if (this.#handle !== '') await this.#client.call(methods.closeSession, { sessionHandle: this.#handle }, limits);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
    } finally {
      this.#client.close();
    }
  }

  /** Makes the session, or tells it what the graph got since where the request needs any of it. */
  async #update(request: Request, limits: RunLimits): Promise<void> {
    if (Date.now() > limits.deadline)
      throw new DeadlineExceededError('run: the time given was over before the runs asked for earlier were done.');
    if (this.#handle !== '' && newestIn(request) < this.#sent.nodes) return;
    const grown = { nodes: this.#graph.version, functions: this.#graph.functions().length };
    const graphDef = exportGraph(this.#graph, this.#sent) as GraphDefInit;
    if (this.#handle === '') await this.#create(graphDef, this.#control(limits));
    else await this.#extend(graphDef, this.#control(limits));
    this.#sent = grown;
  }

  async #create(graphDef: GraphDefInit, limits: CallLimits): Promise<void> {
    const message = { graphDef, config: this.#config as ConfigMessage };
    const made = await this.#ask(methods.createSession, message, limits, { what: 'run', whenLate: waitsForAll });
    [this.#handle, this.#version] = [made.sessionHandle, made.graphVersion];
  }

  async #extend(graphDef: GraphDefInit, limits: CallLimits): Promise<void> {
    const message = { sessionHandle: this.#handle, graphDef, currentGraphVersion: this.#version };
    const { newGraphVersion } = await this.#ask(methods.extendSession, message, limits, {
      what: 'run',
      inSession: true,
    });
    this.#version = newGraphVersion;
  }

  async #runStep(
    { assemble, ...part }: RemotePart,
    limits: RunLimits,
    partialRunHandle: string,
  ): Promise<readonly NDArray[]> {
    const message = {
      sessionHandle: this.#handle,
      feed: part.feeds.map(({ name, value }) => ({ name, tensor: tensorProto(value) })),
      fetch: part.fetches,
      target: part.targets,
      options: optionsOf(limits),
      partialRunHandle,
      // A status in the trailers of a call is cut off where it is long.
      storeErrorsInResponseBody: true,
      requestId: freshId(),
    } as MessageInitShape<typeof methods.runStep.input>;
    const purpose = { what: partialRunHandle === '' ? 'run' : 'partialRun', inSession: true };
    const answer = await watched(this.#heartbeat(), (signal) =>
      this.#ask(methods.runStep, message, { deadline: limits.deadline, signal }, purpose),
    );
    if (limits.trace) noteSteps(limits.trace, answer.metadata);
    if (answer.statusCode !== 0) throw this.#failure(answer.statusCode, answer.statusErrorMessage, purpose);
    return assemble(new Map(answer.tensor.map(({ name, tensor }) => [name, received(tensor, name)])));
  }

  async #runCallable(
    request: Request,
    { assemble, ...part }: RemotePart,
    limits: RunLimits,
  ): Promise<readonly NDArray[]> {
    const handle = await this.#callables.handle(request);
    const message = {
      sessionHandle: this.#handle,
      handle,
      feed: part.feeds.map(({ value }) => tensorProto(value)),
      requestId: freshId(),
    } as MessageInitShape<typeof methods.runCallable.input>;
    const answer = await watched(this.#heartbeat(), (signal) =>
      this.#ask(methods.runCallable, message, { deadline: limits.deadline, signal }, { what: 'run', inSession: true }),
    );
    return assemble(new Map(part.fetches.map((name, i) => [name, received(answer.fetch[i], name)])));
  }

  async #makeCallable(request: Request): Promise<bigint> {
    const { feeds, fetches, targets } = remotePart(request, []);
    const options = { feed: feeds.map(({ name }) => name), fetch: fetches, target: targets };
    const message = { sessionHandle: this.#handle, options, requestId: freshId() } as MessageInitShape<
      typeof methods.makeCallable.input
    >;
    const purpose = { what: 'makeCallable', inSession: true };
    return (await this.#ask(methods.makeCallable, message, this.#control(), purpose)).handle;
  }

  #heartbeat(): Heartbeat {
    const { address, channel } = this.#link;
    return {
      everyMs: channel.heartbeatMs ?? defaultHeartbeatMs,
      ask: async (deadline) => {
        try {
          await this.#client.call(methods.listDevices, { sessionHandle: this.#handle }, { deadline });
        } catch (error) {
          // Whatever else the server says, it is there.
          if (!(error instanceof CallError) || error.status === 4) throw error;
        }
      },
      lost: (silentMs) =>
        new UnavailableError(
          `run: the server at ${address.url} has not answered for ${silentMs} ms: it, or the way to it, is gone. What the run had done is not known. Make a new Session when it is back; channel: { heartbeatMs } says how patient to be.`,
        ),
    };
  }

  /** How long a call may take that is not a run. */
  #control(limits?: RunLimits): CallLimits {
    return { deadline: Math.min(limits?.deadline ?? Infinity, controlDeadline(this.#link)) };
  }

  async #ask<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    message: MessageInitShape<I>,
    limits: CallLimits,
    purpose: Purpose,
  ): Promise<MessageShape<O>> {
    try {
      return await this.#client.call(method, message, limits);
    } catch (error) {
      throw error instanceof CallError ? this.#failure(error.status, error.message, purpose, error) : error;
    }
  }

  #failure(status: number, text: string, purpose: Purpose, cause?: unknown): Error {
    const attempt = { inSession: false, ...purpose, url: this.#link.address.url, graph: this.#graph };
    return failureOf(status, text, attempt, cause);
  }
}

/** Ends all sessions of a master, and drops the variables in `containers` of its tasks. */
export async function reset(
  link: Link,
  containers: readonly string[],
  deviceFilters: readonly string[],
): Promise<void> {
  const client = new MasterClient(link.address, link.channel);
  const message = { container: [...containers], deviceFilters: [...deviceFilters] };
  try {
    await client.call(methods.reset, message, { deadline: controlDeadline(link) });
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const attempt = {
      what: 'Session.reset',
      url: link.address.url,
      graph: null,
      inSession: false,
      whenLate: waitsForAll,
    };
    throw failureOf(error.status, error.message, attempt, error);
  } finally {
    client.close();
  }
}

/** The number of the newest operation that a request names: what it needs besides is older. */
function newestIn({ fetches, targets, feeds }: Request): number {
  const ops = [...fetches.map(({ op }) => op), ...targets, ...feeds.map(({ tensor }) => tensor.op)];
  return ops.reduce((newest, { id }) => Math.max(newest, id), -1);
}

function controlDeadline({ channel }: Link): number {
  return Date.now() + (channel.controlTimeoutMs ?? defaultControlTimeoutMs);
}

function optionsOf({ trace, partitionGraphs }: RunLimits): MessageInitShape<typeof RunOptionsSchema> {
  const traceLevel = trace ? RunOptions_TraceLevel.FULL_TRACE : RunOptions_TraceLevel.NO_TRACE;
  return { traceLevel, outputPartitionGraphs: partitionGraphs === true };
}

/** A master takes a second request of one id for the first one sent again; 0 is none. */
function freshId(): bigint {
  const [id] = crypto.getRandomValues(new BigInt64Array(1));
  return BigInt.asUintN(63, id!) || 1n;
}

/** A value that came, with storage of its own: a message is one piece of memory. */
function received(tensor: Parameters<typeof arrayOf>[0] | undefined, name: string): NDArray {
  if (tensor === undefined) throw new InternalError(`run: the master sent no value for '${name}'.`);
  return arrayOf(tensor).copy();
}
