/** A master that answers as it is told, in this process, and remembers what it was asked. */
import { create, fromBinary, toBinary, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type { Metadata } from '@grpc/grpc-js';
import { Server, ServerCredentials, status, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { methods } from '../../../src/interop/cluster/master-client.js';

type Methods = typeof methods;
export type MethodName = keyof Methods;
export type Asked<M extends MethodName> = MessageShape<Methods[M]['input']>;
export type Answer<M extends MethodName> = MessageInitShape<Methods[M]['output']>;

/** What a master does in the place of an answer. */
export interface Failing {
  readonly code: number;
  readonly details: string;
}

export interface Call<M extends MethodName = MethodName> {
  readonly method: M;
  readonly request: Asked<M>;
  readonly metadata: Metadata;
  /** Milliseconds that the call had when it came; Infinity for no deadline. */
  readonly timeMs: number;
}

type Answers = {
  [M in MethodName]?: (request: Asked<M>, call: Call<M>) => Answer<M> | Failing | Promise<Answer<M> | Failing>;
};

const isFailing = (answer: object): answer is Failing => 'code' in answer && 'details' in answer;

export class Master {
  readonly calls: Call[] = [];
  readonly answers: Answers;
  readonly #server = new Server({ 'grpc.max_receive_message_length': -1 });
  port = 0;

  private constructor(answers: Answers) {
    this.answers = answers;
    const definition = Object.fromEntries(
      (Object.keys(methods) as MethodName[]).map((name) => [name, definitionOf(name)]),
    );
    const handlers = Object.fromEntries(
      (Object.keys(methods) as MethodName[]).map((name) => [name, this.#handler(name)]),
    );
    this.#server.addService(definition, handlers);
  }

  static async start(answers: Answers = {}, credentials = ServerCredentials.createInsecure()): Promise<Master> {
    const master = new Master({ ...usual, ...answers });
    master.port = await new Promise<number>((resolve, reject) =>
      master.#server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
    );
    return master;
  }

  get target(): string {
    return `grpc://127.0.0.1:${this.port}`;
  }

  /** What it was asked of one kind, oldest first. */
  asked<M extends MethodName>(method: M): Asked<M>[] {
    return this.calls.filter((call) => call.method === method).map(({ request }) => request as Asked<M>);
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #handler<M extends MethodName>(method: M) {
    return (call: ServerUnaryCall<Asked<M>, Answer<M>>, done: sendUnaryData<Answer<M>>): void => {
      const deadline = call.getDeadline();
      const timeMs = deadline === Infinity ? Infinity : Number(deadline) - Date.now();
      const noted = { method, request: call.request, metadata: call.metadata, timeMs };
      this.calls.push(noted);
      const answer = this.answers[method] as ((request: Asked<M>, call: Call<M>) => Answer<M> | Failing | Promise<Answer<M> | Failing>) | undefined; // prettier-ignore
      if (!answer) return done({ code: status.UNIMPLEMENTED, details: `no ${method} here` });
      void Promise.resolve(answer(call.request, noted)).then((value) =>
        isFailing(value) ? done({ ...value }) : done(null, value as Answer<M>),
      );
    };
  }
}

function definitionOf(name: MethodName) {
  const { name: path, input, output } = methods[name];
  return {
    path: `/tensorflow.MasterService/${path}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
    responseSerialize: (answer: object) => Buffer.from(toBinary(output, create(output, answer as never) as never)),
    responseDeserialize: () => ({}),
  };
}

/** A session whose runs give zeros for all that is fetched. */
const usual: Answers = {
  createSession: () => ({ sessionHandle: 'session', graphVersion: 0n }),
  extendSession: ({ currentGraphVersion }) => ({ newGraphVersion: currentGraphVersion + 1n }),
  runStep: ({ fetch }) => ({ tensor: fetch.map((name) => ({ name, tensor: zero })) }),
  makeCallable: (() => {
    let handle = 0n;
    return () => ({ handle: handle++ });
  })(),
  runCallable: () => ({ fetch: [zero] }),
  releaseCallable: () => ({}),
  listDevices: () => ({}),
  closeSession: () => ({}),
  reset: () => ({}),
};
const zero = { dtype: 1, tensorShape: { dim: [] }, floatVal: [0] };
