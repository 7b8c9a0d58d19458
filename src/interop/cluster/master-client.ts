/** Calls of a TensorFlow master over gRPC: messages, deadlines, and nothing of what they mean. */
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { ChannelCredentials, Client, credentials, Metadata, type CallOptions, type ServiceError } from '@grpc/grpc-js';
import { InvalidArgumentError } from '../../graph/errors.js';
import type { ChannelSettings } from '../../session/targets/cluster-options.js';
import * as messages from '../proto/master_pb.js';
import type { Address } from './config.js';

/** What a method takes and gives. */
export interface Method<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> {
  readonly name: string;
  readonly input: I;
  readonly output: O;
}

function method<I extends DescMessage, O extends DescMessage>(name: string, input: I, output: O): Method<I, O> {
  return { name, input, output };
}

const m = messages;
/** The methods of a master. */
export const methods = {
  createSession: method('CreateSession', m.CreateSessionRequestSchema, m.CreateSessionResponseSchema),
  extendSession: method('ExtendSession', m.ExtendSessionRequestSchema, m.ExtendSessionResponseSchema),
  runStep: method('RunStep', m.RunStepRequestSchema, m.RunStepResponseSchema),
  partialRunSetup: method('PartialRunSetup', m.PartialRunSetupRequestSchema, m.PartialRunSetupResponseSchema),
  makeCallable: method('MakeCallable', m.MakeCallableRequestSchema, m.MakeCallableResponseSchema),
  runCallable: method('RunCallable', m.RunCallableRequestSchema, m.RunCallableResponseSchema),
  releaseCallable: method('ReleaseCallable', m.ReleaseCallableRequestSchema, m.ReleaseCallableResponseSchema),
  listDevices: method('ListDevices', m.ListDevicesRequestSchema, m.ListDevicesResponseSchema),
  reset: method('Reset', m.ResetRequestSchema, m.ResetResponseSchema),
  closeSession: method('CloseSession', m.CloseSessionRequestSchema, m.CloseSessionResponseSchema),
} as const;

/** A call that failed: a status, of the server or of the way to it. */
export class CallError extends Error {
  /** The status code: TensorFlow's are gRPC's. */
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

export interface CallLimits {
  /** Milliseconds since the epoch; Infinity for none. */
  readonly deadline: number;
  /** Gives the call up; its reason is what the call fails with. */
  readonly signal?: AbortSignal;
}

const defaults = {
  'grpc.max_send_message_length': -1,
  'grpc.max_receive_message_length': -1,
  // A server that is back is found soon, and by a new session at once.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
};

export class MasterClient {
  readonly #client: Client;
  readonly #metadata = new Metadata();

  /** @throws InvalidArgumentError for credentials that are not the library's, or metadata that cannot be sent */
  constructor({ host, isSecure }: Address, channel: ChannelSettings) {
    const options = { ...defaults, ...channel.options };
    for (const [key, value] of Object.entries(channel.metadata ?? {})) {
      try {
        this.#metadata.set(key, typeof value === 'string' ? value : Buffer.from(value));
      } catch (cause) {
        throw new InvalidArgumentError(`channel: the metadata '${key}' cannot be sent: ${(cause as Error).message}.`, {
          cause,
        });
      }
    }
    this.#client = new Client(host, credentialsOf(isSecure, channel), options);
  }

  /** @throws CallError, or the reason of the signal */
  call<I extends DescMessage, O extends DescMessage>(
    { name, input, output }: Method<I, O>,
    request: MessageInitShape<I>,
    { deadline, signal }: CallLimits,
  ): Promise<MessageShape<O>> {
    const options: CallOptions = deadline === Infinity ? {} : { deadline };
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, response?: MessageShape<O>): void => {
        signal?.removeEventListener('abort', abort);
        if (signal?.aborted) reject(signal.reason as Error);
        else if (error) reject(new CallError(error.code, error.details || error.message, error));
        else resolve(response!);
      };
      const call = this.#client.makeUnaryRequest(
        `/tensorflow.MasterService/${name}`,
        (message: MessageShape<I>) => bufferOf(toBinary(input, message)),
        // Slices of a Buffer share its memory; those of a Uint8Array do not.
        ({ buffer, byteOffset, byteLength }: Buffer) =>
          fromBinary(output, new Uint8Array(buffer, byteOffset, byteLength)),
        create(input, request),
        this.#metadata,
        options,
        done,
      );
      const abort = (): void => call.cancel();
      signal?.addEventListener('abort', abort);
    });
  }

  close(): void {
    this.#client.close();
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function credentialsOf(isSecure: boolean, { credentials: given, tls }: ChannelSettings): ChannelCredentials {
  if (given !== undefined) {
    if (given instanceof ChannelCredentials) return given;
    throw new InvalidArgumentError(
      "channel: 'credentials' must be ChannelCredentials of @grpc/grpc-js, the version that tapeless uses.",
    );
  }
  if (!isSecure) return credentials.createInsecure();
  const [roots, key, chain] = [tls?.rootCerts, tls?.privateKey, tls?.certChain].map((pem) => pem && bufferOf(pem));
  return credentials.createSsl(roots ?? null, key ?? null, chain ?? null);
}
