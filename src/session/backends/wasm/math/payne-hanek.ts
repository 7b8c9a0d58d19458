/** The exact remainder of a huge number by π/2, after Payne and Hanek (1983): only the bits of 2/π that matter are multiplied. */
import type { Code, FunctionRef, Local } from '../assembler/code.js';
import type { Helpers } from './library.js';

/** The bits of 2/π after the point, most significant first, behind one word of zeros. */
const words = [
  0n,
  0xa2f9836e4e441529n,
  0xfc2757d1f534ddc0n,
  0xdb6295993c439041n,
  0xfe5163abdebbc561n,
  0xb7246e3a424dd2e0n,
  0x06492eea09d1921cn,
  0xfe1deb1cb129a73en,
  0xe88235f52ebb4484n,
  0xe99c7026b45f7e41n,
  0x3991d639835339f4n,
  0x9c845f8bbdf9283bn,
  0x1ff897ffde05980fn,
  0xef2f118b5a0a6d1fn,
  0x6d367ecf27cb09b7n,
  0x4f463f669e5fea2dn,
  0x7527bac7ebe5f17bn,
  0x3d0739f78a5292ean,
  0x6bfb5fb11f8d5d08n,
  0x56033046fc7b6babn,
  0xf0cfbc209af4361dn,
  0xa9e391615ee61b08n,
];

/** π/2 as the sum of two numbers, and the first as the sum of two of 26 bits. */
const halfPi = [1.5707963267948966, 6.123233995736766e-17] as const;
const halfPiHigh = 1.5707963407039642;
const splitter = 2 ** 27 + 1;

/** A function of x, 2^20 or more, that gives high, low and n with x = n·π/2 + high + low. */
export function reducer(helpers: Helpers): FunctionRef {
  const i64 = 'i64' as const;
  const word = helpers.scalar('reduce.word', { params: ['i32'], results: [i64] }, pushWord);
  const high = helpers.scalar('reduce.high', { params: [i64, i64], results: [i64] }, pushProductHigh);
  const type = { params: ['f64'], results: ['f64', 'f64', i64] } as const;
  return helpers.scalar('reduce.huge', type, (code) => new Reduction(code, word, high).push());
}

function pushWord(code: Code): void {
  const chosen = code.local('i64');
  words.forEach((word, i) => {
    code.i64(word).get(chosen).get(code.params[0]!).i32(i).op('i32.eq', 'select').set(chosen);
  });
  code.get(chosen);
}

/** The upper 64 bits of an unsigned product, by halves of 32 bits. */
function pushProductHigh(code: Code): void {
  const [a, b] = code.params as readonly [Local, Local];
  const [middle, cross] = [code.local('i64'), code.local('i64')];
  const low = (local: Local): Code => code.get(local).i64(0xffffffffn).op('i64.and');
  const high = (local: Local): Code => code.get(local).i64(32n).op('i64.shr_u');
  low(a);
  low(b).op('i64.mul').i64(32n).op('i64.shr_u');
  high(a);
  low(b).op('i64.mul', 'i64.add').set(middle);
  low(a);
  high(b).op('i64.mul');
  low(middle).op('i64.add').set(cross);
  high(a);
  high(b).op('i64.mul');
  high(middle).op('i64.add');
  high(cross).op('i64.add');
}

class Reduction {
  readonly #code: Code;
  readonly #word: FunctionRef;
  readonly #high: FunctionRef;
  readonly #x: Local;
  /** The fraction of x·2/π, from -1/2 to 1/2: its size in 128 bits after the point. */
  readonly #upper: Local;
  readonly #lower: Local;
  readonly #n: Local;
  /** The factor that gives the remainder its sign and its size. */
  readonly #scale: Local;

  constructor(code: Code, word: FunctionRef, high: FunctionRef) {
    [this.#code, this.#word, this.#high, this.#x] = [code, word, high, code.params[0]!];
    [this.#upper, this.#lower, this.#n] = [code.local('i64'), code.local('i64'), code.local('i64')];
    this.#scale = code.local('f64');
  }

  push(): void {
    const code = this.#code;
    code.get(this.#x).op('f64.abs').f64(Infinity).op('f64.lt', 'i32.eqz');
    code.if(() => code.f64(NaN).f64(NaN).i64(0n).op('return'));
    this.#multiply();
    this.#roundToNearest();
    this.#normalize();
    this.#pushProduct();
    code.i64(0n).get(this.#n).op('i64.sub').get(this.#n);
    code.get(this.#x).f64(0).op('f64.lt', 'select');
  }

  /** Of x = m·2^e: m times 192 bits of 2/π, from the first that makes less than a full turn. Two of them count quarters. */
  #multiply(): void {
    const code = this.#code;
    const [bits, m, shift] = [code.local('i64'), code.local('i64'), code.local('i64')];
    const at = code.local('i32');
    code.get(this.#x).op('f64.abs', 'i64.reinterpret_f64').tee(bits).i64(52n).op('i64.shr_u', 'i32.wrap_i64');
    code
      .i32(1075 + 2 - 64)
      .op('i32.sub')
      .tee(at)
      .op('i64.extend_i32_u')
      .i64(63n)
      .op('i64.and')
      .set(shift);
    code.get(at).i32(6).op('i32.shr_u').set(at);
    code
      .get(bits)
      .i64((1n << 52n) - 1n)
      .op('i64.and')
      .i64(1n << 52n)
      .op('i64.or')
      .set(m);
    const window = [0, 1, 2].map((i) => {
      const word = (k: number): Code => code.get(at).i32(k).op('i32.add').call(this.#word);
      word(i).get(shift).op('i64.shl');
      this.#pushCarried(() => word(i + 1), shift);
      const local = code.local('i64');
      code.op('i64.or').set(local);
      return local;
    });
    const carried = bits;
    code.get(m).get(window[2]!).call(this.#high).tee(carried);
    code.get(m).get(window[1]!).op('i64.mul', 'i64.add').tee(this.#lower);
    code.get(carried).op('i64.lt_u', 'i64.extend_i32_u');
    code.get(m).get(window[0]!).op('i64.mul', 'i64.add');
    code.get(m).get(window[1]!).call(this.#high).op('i64.add').set(this.#upper);
  }

  /** The bits that a shift to the left by `shift` brings in from the next word: a shift by 64 is none. */
  #pushCarried(next: () => Code, shift: Local): void {
    next().i64(1n).op('i64.shr_u').i64(63n).get(shift).op('i64.sub', 'i64.shr_u');
  }

  #roundToNearest(): void {
    const code = this.#code;
    code.get(this.#upper).i64(62n).op('i64.shr_u').set(this.#n);
    code.get(this.#upper).i64(2n).op('i64.shl').get(this.#lower).i64(62n).op('i64.shr_u', 'i64.or').set(this.#upper);
    code.get(this.#lower).i64(2n).op('i64.shl').set(this.#lower);
    code.f64(1).get(this.#x).op('f64.copysign').set(this.#scale);
    code
      .get(this.#upper)
      .i64(0n)
      .op('i64.lt_s')
      .if(() => {
        code.get(this.#n).i64(1n).op('i64.add').set(this.#n);
        code.i64(0n).get(this.#lower).op('i64.sub').set(this.#lower);
        code.get(this.#upper).i64(-1n).op('i64.xor').get(this.#lower).op('i64.eqz', 'i64.extend_i32_u', 'i64.add');
        code.set(this.#upper).get(this.#scale).op('f64.neg').set(this.#scale);
      });
  }

  #normalize(): void {
    const code = this.#code;
    const zeros = code.local('i64');
    code.get(this.#upper).op('i64.clz').set(zeros);
    code.get(this.#upper).get(zeros).op('i64.shl');
    this.#pushCarried(() => code.get(this.#lower), zeros);
    code.op('i64.or').set(this.#upper);
    code.get(this.#lower).get(zeros).op('i64.shl').set(this.#lower);
    code.get(this.#scale).i64(1023n).get(zeros).op('i64.sub').i64(52n).op('i64.shl', 'f64.reinterpret_i64', 'f64.mul');
    code.set(this.#scale);
    code.free(zeros);
  }

  /** The first 53 bits and the next 64, times π/2; what rounding takes from the large product is found as Dekker did. */
  #pushProduct(): void {
    const code = this.#code;
    const f64 = (): Local => code.local('f64');
    const [a, ah, al, product, low, sum] = [f64(), f64(), f64(), f64(), f64(), f64()];
    code
      .get(this.#upper)
      .i64(11n)
      .op('i64.shr_u', 'f64.convert_i64_u')
      .f64(2 ** -53)
      .op('f64.mul')
      .tee(a);
    code.f64(splitter).op('f64.mul').tee(ah).get(ah).get(a).op('f64.sub', 'f64.sub').set(ah);
    code.get(a).get(ah).op('f64.sub').set(al);
    code.get(a).f64(halfPi[0]).op('f64.mul').set(product);
    const rest = halfPi[0] - halfPiHigh;
    code.get(ah).f64(halfPiHigh).op('f64.mul').get(product).op('f64.sub');
    code.get(ah).f64(rest).op('f64.mul', 'f64.add').get(al).f64(halfPiHigh).op('f64.mul', 'f64.add');
    code.get(al).f64(rest).op('f64.mul', 'f64.add').get(a).f64(halfPi[1]).op('f64.mul', 'f64.add');
    code.get(this.#upper).i64(53n).op('i64.shl').get(this.#lower).i64(11n).op('i64.shr_u', 'i64.or');
    code
      .op('f64.convert_i64_u')
      .f64(halfPi[0] * 2 ** -117)
      .op('f64.mul', 'f64.add')
      .set(low);
    code.get(product).get(low).op('f64.add').tee(sum).get(this.#scale).op('f64.mul');
    code.get(product).get(sum).op('f64.sub').get(low).op('f64.add').get(this.#scale).op('f64.mul');
  }
}
