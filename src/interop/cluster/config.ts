/** Checks what a session on a cluster is told, and writes its ConfigProto. */
import { InvalidArgumentError } from '../../graph/errors.js';
import { checkBoolean, checkChoice, checkOptionNames } from '../../graph/options.js';
import type { ChannelSettings, ClusterSpec, SessionConfig } from '../../session/targets/cluster-options.js';

/** The fields of a ConfigProto, by their names in camelCase. */
export type ConfigInit = { readonly [field: string]: unknown };

/** Turns the value of an option into that of the field; throws where it does not fit. */
type Field = (where: string, option: string, value: unknown) => unknown;
type Fields = { readonly [option: string]: Field };

const flag: Field = checkBoolean;

const integer: Field = (where, option, value) => {
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`${where}: '${option}' must be a whole number, not ${JSON.stringify(value)}.`);
};

const long: Field = (where, option, value) => BigInt(integer(where, option, value) as number);

const text: Field = (where, option, value) => {
  if (typeof value === 'string') return value;
  throw new InvalidArgumentError(`${where}: '${option}' must be a string, not ${JSON.stringify(value)}.`);
};

const listOf =
  (item: Field): Field =>
  (where, option, value) => {
    if (!Array.isArray(value)) throw new InvalidArgumentError(`${where}: '${option}' must be an array.`);
    return value.map((entry, i) => item(where, `${option}[${i}]`, entry));
  };

const recordOf =
  (item: Field): Field =>
  (where, option, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new InvalidArgumentError(`${where}: '${option}' must be an object.`);
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, item(where, `${option}.${key}`, entry)]),
    );
  };

const choice =
  (choices: { readonly [name: string]: number }): Field =>
  (where, option, value) =>
    choices[checkChoice(where, option, value, Object.keys(choices))]!;

const group =
  (fields: Fields): Field =>
  (where, option, value) =>
    checked(`${where}.${option}`, value, fields);

const toggle = choice({ default: 0, on: 1, off: 2, aggressive: 3 });

const cluster: Field = (where, option, value) => {
  const jobs = Object.entries(recordOf((_where, _option, tasks) => tasks)(where, option, value) as ClusterSpec);
  const address = recordOf(text);
  return { job: jobs.map(([name, tasks]) => ({ name, tasks: address(where, `${option}.${name}`, { ...tasks }) })) };
};

const configFields: { readonly [option in keyof Required<SessionConfig>]: Field } = {
  deviceCount: recordOf(integer),
  intraOpParallelismThreads: integer,
  interOpParallelismThreads: integer,
  placementPeriod: integer,
  deviceFilters: listOf(text),
  allowSoftPlacement: flag,
  logDevicePlacement: flag,
  graphOptions: group({
    enableRecvScheduling: flag,
    optimizerOptions: group({
      doCommonSubexpressionElimination: flag,
      doConstantFolding: flag,
      maxFoldedConstantInBytes: long,
      doFunctionInlining: flag,
      optLevel: choice({ L1: 0, L0: -1 }),
      globalJitLevel: choice({ default: 0, off: -1, on1: 1, on2: 2 }),
      cpuGlobalJit: flag,
    }),
    buildCostModel: long,
    buildCostModelAfter: long,
    inferShapes: flag,
    placePrunedGraph: flag,
    enableBfloat16Sendrecv: flag,
    timelineStep: integer,
    rewriteOptions: group({
      constantFolding: toggle,
      dependencyOptimization: toggle,
      loopOptimization: toggle,
      functionOptimization: toggle,
      arithmeticOptimization: toggle,
      remapping: toggle,
      disableMetaOptimizer: flag,
    }),
  }),
  operationTimeoutInMs: long,
  clusterDef: cluster,
  isolateSessionState: flag,
  shareClusterDevicesInSession: flag,
};

function checked(where: string, options: unknown, fields: Fields): { readonly [option: string]: unknown } {
  checkOptionNames(where, options as object, Object.keys(fields));
  const given = Object.entries(options as object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([option, value]) => [option, fields[option]!(where, option, value)]));
}

/** @throws InvalidArgumentError for an option that does not exist, or a value that is not its */
export function configOf(config: SessionConfig): ConfigInit {
  return checked('config', config, configFields);
}

const milliseconds: Field = (where, option, value) => {
  if (typeof value === 'number' && value >= 0) return value;
  throw new InvalidArgumentError(
    `${where}: '${option}' must be a number of milliseconds, not ${JSON.stringify(value)}.`,
  );
};

const bytes: Field = (where, option, value) => {
  if (value instanceof Uint8Array) return value;
  throw new InvalidArgumentError(`${where}: '${option}' must be bytes (a Uint8Array or Buffer).`);
};

const object: Field = (where, option, value) => {
  if (typeof value === 'object' && value !== null) return value;
  throw new InvalidArgumentError(`${where}: '${option}' must be an object.`);
};

const channelFields: { readonly [option in keyof Required<ChannelSettings>]: Field } = {
  tls: group({ rootCerts: bytes, privateKey: bytes, certChain: bytes }),
  credentials: object,
  metadata: recordOf((where, option, value) => (value instanceof Uint8Array ? value : text(where, option, value))),
  options: object,
  controlTimeoutMs: milliseconds,
  heartbeatMs: milliseconds,
};

/** Where a master is. */
export interface Address {
  /** As the user wrote it. */
  readonly url: string;
  readonly host: string;
  readonly isSecure: boolean;
}

/** What it takes to reach a master. */
export interface Link {
  readonly address: Address;
  readonly channel: ChannelSettings;
}

/** @throws InvalidArgumentError for a URL that is not `grpc://host:port` or `grpcs://host:port`, or settings that do not fit */
export function linkOf(url: string, settings: ChannelSettings): Link {
  const match = /^(grpcs?):\/\/((?:\[[\da-fA-F:.]+\]|[^\s/:@?#]+):\d+)$/.exec(url);
  if (!match)
    throw new InvalidArgumentError(
      `Session: the target '${url}' is not of the form grpc://host:port or grpcs://host:port.`,
    );
  const address = { url, host: match[2]!, isSecure: match[1] === 'grpcs' };
  const channel: ChannelSettings = checked('channel', settings, channelFields);
  const { tls } = channel;
  if (tls && !address.isSecure) throw new InvalidArgumentError("channel: 'tls' needs a target grpcs://host:port.");
  if ((tls?.privateKey === undefined) !== (tls?.certChain === undefined))
    throw new InvalidArgumentError("channel: 'tls' takes 'privateKey' and 'certChain' together.");
  return { address, channel };
}
