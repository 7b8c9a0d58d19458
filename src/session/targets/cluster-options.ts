/** What a session on a cluster can be told: TensorFlow's ConfigProto in camelCase, and how to reach its master. */

/** Names of jobs, and the addresses of their tasks: a list, or by task number. */
export type ClusterSpec = {
  readonly [job: string]: readonly string[] | { readonly [task: number]: string };
};

/** How the master optimises (TensorFlow `OptimizerOptions`). */
export interface OptimizerOptions {
  readonly doCommonSubexpressionElimination?: boolean;
  readonly doConstantFolding?: boolean;
  readonly maxFoldedConstantInBytes?: number;
  readonly doFunctionInlining?: boolean;
  /** `'L1'`, the default, or `'L0'` for no optimisation. */
  readonly optLevel?: 'L0' | 'L1';
  readonly globalJitLevel?: 'default' | 'off' | 'on1' | 'on2';
  readonly cpuGlobalJit?: boolean;
}

export type RewriterToggle = 'default' | 'on' | 'off' | 'aggressive';

/** Which passes over the graph the master makes (TensorFlow `RewriterConfig`). */
export interface RewriterConfig {
  readonly constantFolding?: RewriterToggle;
  readonly dependencyOptimization?: RewriterToggle;
  readonly loopOptimization?: RewriterToggle;
  readonly functionOptimization?: RewriterToggle;
  readonly arithmeticOptimization?: RewriterToggle;
  readonly remapping?: RewriterToggle;
  readonly disableMetaOptimizer?: boolean;
}

/** TensorFlow `GraphOptions`. */
export interface GraphOptions {
  readonly enableRecvScheduling?: boolean;
  readonly optimizerOptions?: OptimizerOptions;
  readonly buildCostModel?: number;
  readonly buildCostModelAfter?: number;
  readonly inferShapes?: boolean;
  /** A master of a cluster places the whole graph all the same. */
  readonly placePrunedGraph?: boolean;
  readonly enableBfloat16Sendrecv?: boolean;
  readonly timelineStep?: number;
  readonly rewriteOptions?: RewriterConfig;
}

/** TensorFlow `ConfigProto`. */
export interface SessionConfig {
  /** How many devices of each type a task shows: `{ CPU: 2 }`. */
  readonly deviceCount?: { readonly [type: string]: number };
  readonly intraOpParallelismThreads?: number;
  readonly interOpParallelismThreads?: number;
  readonly placementPeriod?: number;
  /** The tasks that the session uses and waits for, such as `'/job:ps'`; all by default. */
  readonly deviceFilters?: readonly string[];
  /** Takes another device of the task where that asked for does not exist or cannot run the operation, and drops colocations that cannot be. */
  readonly allowSoftPlacement?: boolean;
  readonly logDevicePlacement?: boolean;
  readonly graphOptions?: GraphOptions;
  /** The time that a step has, in milliseconds, where its run gives no `timeoutMs`. */
  readonly operationTimeoutInMs?: number;
  readonly clusterDef?: ClusterSpec;
  /** Keeps the variables of this session from all other sessions of the cluster. */
  readonly isolateSessionState?: boolean;
  readonly shareClusterDevicesInSession?: boolean;
}

/** How the master is reached. */
export interface ChannelSettings {
  /** Certificates of a `grpcs://` target, as PEM; without it, the roots that Node trusts. */
  readonly tls?: {
    readonly rootCerts?: Uint8Array;
    readonly privateKey?: Uint8Array;
    readonly certChain?: Uint8Array;
  };
  /** A ChannelCredentials of @grpc/grpc-js, in the place of what the target's scheme and `tls` say. */
  readonly credentials?: object;
  /** Sent with every call, for proxies. */
  readonly metadata?: { readonly [key: string]: string | Uint8Array };
  /** Channel options of @grpc/grpc-js. Messages have no size limit unless these set one. */
  readonly options?: { readonly [name: string]: string | number | boolean | object };
  /** The time that calls other than runs have, in milliseconds, such as making the session: a minute by default. */
  readonly controlTimeoutMs?: number;
  /** How often a master is asked whether it is still there while a run lasts, in milliseconds: 10,000 by default, 0 for never. */
  readonly heartbeatMs?: number;
}

/** A device of a target (TensorFlow `DeviceAttributes`). */
export interface DeviceAttributes {
  /** Its full name, such as `'/job:worker/replica:0/task:1/device:CPU:0'`. */
  readonly name: string;
  readonly deviceType: string;
  /** Bytes. */
  readonly memoryLimit: number;
  /** Changes whenever the task starts anew. */
  readonly incarnation: bigint;
  readonly physicalDeviceDesc: string;
}
