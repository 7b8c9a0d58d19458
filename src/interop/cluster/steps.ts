/** What a master notes of a run, as the steps of its RunMetadata. */
import type { MessageShape } from '@bufbuild/protobuf';
import type { RunMetadata, StepStats } from '../../session/run-metadata.js';
import type { RunMetadataSchema, NodeExecStats } from '../proto/master_pb.js';

/** How TensorFlow labels what one task gets from another. */
const transfer = /^\[(\d+)B\] .*?(?:edge_\d+_)?(\S+) from (\S+) to (\S+)$/;

/** Fills `trace` with what `metadata` says; steps by their start. */
export function noteSteps(trace: RunMetadata, metadata: MessageShape<typeof RunMetadataSchema> | undefined): void {
  const noted = (metadata?.stepStats?.devStats ?? []).flatMap(({ device, nodeStats }) =>
    nodeStats
      .filter(({ nodeName }) => !nodeName.startsWith('_'))
      .map((stats) => ({ device, stats, start: startOf(stats) })),
  );
  const first = noted.reduce((least, { start }) => (start < least ? start : least), noted[0]?.start ?? 0n);
  const steps = noted.map(({ device, stats, start }) => stepOf(stats, device, Number(start - first) / 1e6));
  trace.take(
    steps.sort((a, b) => a.startMs - b.startMs),
    metadata?.partitionGraphs ?? [],
  );
}

function startOf({ allStartNanos, allStartMicros }: NodeExecStats): bigint {
  return allStartNanos || allStartMicros * 1000n;
}

function stepOf(stats: NodeExecStats, device: string, startMs: number): StepStats {
  const common = { startMs, durationMs: Number(stats.allEndRelNanos || stats.allEndRelMicros * 1000n) / 1e6, depth: 0 };
  const sent = transfer.exec(stats.timelineLabel);
  if (sent) {
    const [, bytes, name, from, to] = sent;
    return { ...common, name: name!, kind: 'transfer', ops: [], bytes: Number(bytes), device: to!, from: from! };
  }
  const bytes = stats.output.reduce(
    (sum, { tensorDescription }) => sum + Number(tensorDescription?.allocationDescription?.requestedBytes ?? 0n),
    0,
  );
  return { ...common, name: stats.nodeName, kind: 'operation', ops: [stats.nodeName], bytes, device };
}
