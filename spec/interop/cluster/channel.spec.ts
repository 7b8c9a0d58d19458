/** The way to a master: encryption, metadata, what is not one, silence, and options that do not fit. */
import { describe, expect, jest, test } from '@jest/globals';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import * as tl from '../../../src/index.js';
import { closing, failure, master, model, session } from './support.js';

describe('the way to a master', () => {
  const pem = (name: string) => readFileSync(new URL(`./${name}.pem`, import.meta.url));
  const secure = () => ServerCredentials.createSsl(null, [{ private_key: pem('key'), cert_chain: pem('certificate') }]);

  test('may be encrypted, and carry metadata', async () => {
    const m = await master({}, secure());
    const { g, act } = model();
    const target = `grpcs://localhost:${m.port}`;
    const metadata = { authorization: 'Bearer me', 'key-bin': Uint8Array.of(1, 255) };
    await session(g, target, { channel: { tls: { rootCerts: pem('certificate') }, metadata } }).run(act);
    await session(g, target, { channel: { credentials: credentials.createSsl(pem('certificate')) } }).run(act);
    await tl.Session.reset(target, { containers: ['c'], channel: { tls: { rootCerts: pem('certificate') } } });
    expect(m.asked('reset')).toMatchObject([{ container: ['c'], deviceFilters: [] }]);
    const told = m.calls.find(({ method }) => method === 'runStep')!.metadata;
    expect(told.get('authorization')).toEqual(['Bearer me']);
    expect(told.get('key-bin')).toEqual([Buffer.of(1, 255)]);
  });

  test('whose certificate is not trusted is not taken', async () => {
    const m = await master({}, secure());
    const { g, act } = model();
    const error = await failure(session(g, `grpcs://localhost:${m.port}`).run(act));
    expect(error).toBeInstanceOf(tl.UnavailableError);
    expect(error.message).toMatch(/certificate/);
    expect(m.calls).toEqual([]);
  });

  test('that leads elsewhere', async () => {
    const other = await master();
    delete other.answers.createSession;
    const { g, act } = model();
    const unknown = await failure(session(g, other.target).run(act));
    expect([unknown.code, unknown.message]).toEqual([
      'UNIMPLEMENTED',
      expect.stringMatching(/is not a TensorFlow server/),
    ]);
    const mute = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
    closing(() => void mute.close());
    await new Promise((resolve) => mute.once('listening', resolve));
    const { port } = mute.address() as AddressInfo;
    const options = { channel: { controlTimeoutMs: 3000 } };
    const start = Date.now();
    const error = await failure(session(g, `grpc://127.0.0.1:${port}`, options).run(act));
    expect([tl.UnavailableError, tl.DeadlineExceededError, tl.InternalError]).toContain(error.constructor);
    expect(Date.now() - start).toBeLessThan(10_000);
  });

  test('where nobody answers: two heartbeats are waited for', async () => {
    const never = new Promise<never>(() => undefined);
    const m = await master({ runStep: () => never, listDevices: () => never });
    const { g, act } = model();
    const s = session(g, m.target, { channel: { heartbeatMs: 100, controlTimeoutMs: 500 } });
    const error = await failure(s.run(act));
    expect(error).toBeInstanceOf(tl.UnavailableError);
    expect(error.message).toMatch(/has not answered for 200 ms/);
    expect(m.asked('listDevices').map(({ sessionHandle }) => sessionHandle)).toEqual(['session', 'session']);
  });

  test('that is checked costs nothing where it is switched off, and is no more than asked', async () => {
    const slow = () => new Promise<object>((resolve) => setTimeout(() => resolve({}), 350));
    const m = await master({ runStep: slow });
    const { g, act } = model();
    await session(g, m.target, { channel: { heartbeatMs: 0 } }).run(act);
    expect(m.asked('listDevices')).toEqual([]);
    await session(g, m.target, { channel: { heartbeatMs: 100 } }).run(act);
    const { length } = m.asked('listDevices');
    expect(length).toBeGreaterThanOrEqual(1);
    expect(length).toBeLessThanOrEqual(3);
  });

  test.each<[string, object, RegExp]>([
    ['a bad target', { target: 'grpc://host' }, /'grpc:\/\/host' is not of the form grpc:\/\/host:port/],
    ['a path', { target: 'grpc://host:1/x' }, /not of the form/],
    ['certificates without encryption', { channel: { tls: {} } }, /'tls' needs a target grpcs/],
    ['half a pair', { target: 'grpcs://h:1', channel: { tls: { privateKey: Uint8Array.of(1) } } }, /together/],
    [
      'text for bytes',
      { target: 'grpcs://h:1', channel: { tls: { rootCerts: 'x' } } },
      /channel\.tls: 'rootCerts' must be bytes/,
    ],
    [
      'an option that is not there',
      { config: { allow_soft_placement: true } },
      /config: there is no option 'allow_soft_placement'. Did you mean 'allowSoftPlacement'\?/,
    ],
    ['a value that is not its', { config: { allowSoftPlacement: 1 } }, /'allowSoftPlacement' must be true or false/],
    ['a number that is none', { config: { intraOpParallelismThreads: 1.5 } }, /must be a whole number/],
    ['a filter that is none', { config: { deviceFilters: '/job:ps' } }, /'deviceFilters' must be an array/],
    [
      'a choice that is none',
      { config: { graphOptions: { optimizerOptions: { optLevel: 'L2' } } } },
      /config\.graphOptions\.optimizerOptions: 'optLevel' is "L2"/,
    ],
    [
      'a name in depth',
      { config: { graphOptions: { rewriteOptions: { folding: 'on' } } } },
      /there is no option 'folding'/,
    ],
    ['a patience that is none', { channel: { heartbeatMs: -1 } }, /'heartbeatMs' must be a number of milliseconds/],
    ['metadata that is none', { channel: { metadata: { a: 1 } } }, /'metadata\.a' must be a string/],
    ['threads', { threads: 2 }, /'threads' is for local targets/],
    ['a cluster’s options here', { target: 'local', channel: {} }, /'channel' is for a cluster/],
  ])('%s is refused at once', (_, options, message) => {
    expect(() => new tl.Session({ graph: new tl.Graph(), target: 'grpc://h:1', ...options })).toThrow(tl.InvalidArgumentError); // prettier-ignore
    expect(() => new tl.Session({ graph: new tl.Graph(), target: 'grpc://h:1', ...options })).toThrow(message);
  });

  test('what only the library can judge is refused by the first run', async () => {
    const { g, act } = model();
    const wrong = session(g, 'grpc://h:1', { channel: { credentials: {} } });
    expect((await failure(wrong.run(act))).message).toMatch(/must be ChannelCredentials of @grpc\/grpc-js/);
    const unsendable = session(g, 'grpc://h:1', { channel: { metadata: { 'a b': 'c' } } });
    expect((await failure(unsendable.run(act))).message).toMatch(/the metadata 'a b' cannot be sent/);
  });

  test('there is none from a browser', async () => {
    const { g, act } = model();
    const s = session(g, 'grpc://127.0.0.1:1');
    const builtin = jest.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined);
    try {
      const error = await failure(s.run(act));
      expect(error).toBeInstanceOf(tl.UnavailableError);
      expect(error.message).toMatch(
        /a browser cannot reach a TensorFlow server\. Use the local target, or run this in Node\./,
      );
    } finally {
      builtin.mockRestore();
    }
  });
});
