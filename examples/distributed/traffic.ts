/** What the tasks of a cluster sent each other in a run, by its step stats. */
import type { RunMetadata, StepStats } from '../../src/index.js';

export interface Traffic {
  readonly transfers: number;
  /** Bytes. */
  readonly toWorkers: number;
  readonly toServer: number;
  /** Operations that ran on each task. */
  readonly operations: ReadonlyMap<string, number>;
}

const taskOf = (device = '') => /\/job:(\w+).*\/task:(\d+)/.exec(device)?.slice(1).join(' ') ?? device;

const isBetweenTasks = ({ kind, device, from }: StepStats) => kind === 'transfer' && taskOf(device) !== taskOf(from);

/** Whether the stats have all that was sent: servers drop what comes too late to be noted, and the graphs that they ran say what there was. */
export function isComplete({ stepStats, partitionGraphs }: RunMetadata): boolean {
  const device = (attr: unknown) =>
    taskOf(new TextDecoder().decode((attr as { value: { value: Uint8Array } }).value.value));
  const received = partitionGraphs
    .flatMap(({ node = [] }) => node)
    .filter(({ op, attr = {} }) => op === '_Recv' && device(attr['send_device']) !== device(attr['recv_device']));
  return stepStats.filter(isBetweenTasks).length === received.length;
}

export function trafficIn(...traces: readonly RunMetadata[]): Traffic {
  const steps = traces.flatMap(({ stepStats }) => stepStats);
  const sent = steps.filter(isBetweenTasks);
  const bytes = (list: readonly StepStats[]) => list.reduce((sum, step) => sum + step.bytes, 0);
  const isToServer = ({ device }: StepStats) => taskOf(device).startsWith('ps');
  const operations = new Map<string, number>();
  for (const { kind, device } of steps)
    if (kind === 'operation') operations.set(taskOf(device), (operations.get(taskOf(device)) ?? 0) + 1);
  return {
    transfers: sent.length,
    toWorkers: bytes(sent.filter((step) => !isToServer(step))),
    toServer: bytes(sent.filter(isToServer)),
    operations,
  };
}
