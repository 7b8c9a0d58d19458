/** Random numbers recorded from TensorFlow 2.21 on CPU: graph mode, one session, one row a run. */
import type { DType } from '../../src/graph/dtype.js';

/** `tf.raw_ops[type](shape=shape, seed=seed, seed2=seed2, dtype=dtype)`. */
export const stateful: readonly {
  type: string;
  shape: number[];
  attrs: { seed: number; seed2: number; dtype: DType };
  runs: number[][];
}[] = [
  {
    type: 'RandomUniform',
    shape: [7],
    attrs: { seed: 1, seed2: 2, dtype: 'float32' },
    runs: [
      [
        0.406396746635437, 0.8575996160507202, 0.05539584159851074, 0.08587229251861572, 0.41215360164642334,
        0.036630868911743164, 0.6572133302688599,
      ],
      [
        0.43261289596557617, 0.8689680099487305, 0.2666475772857666, 0.6024519205093384, 0.8833823204040527,
        0.24750876426696777, 0.32722437381744385,
      ],
      [
        0.6756170988082886, 0.36800360679626465, 0.49407529830932617, 0.10145819187164307, 0.026166081428527832,
        0.0861053466796875, 0.20472002029418945,
      ],
    ],
  },
  {
    type: 'RandomUniform',
    shape: [3],
    attrs: { seed: 1, seed2: 2, dtype: 'float64' },
    runs: [
      [0.2511744980841868, 0.44316677020093853, 0.2972296290781924],
      [0.34725887121466203, 0.28397618048562, 0.15394488122016758],
      [0.9956402481772881, 0.6805270932666971, 0.7090432345356796],
    ],
  },
  {
    type: 'RandomUniform',
    shape: [5],
    attrs: { seed: 1, seed2: 2, dtype: 'float16' },
    runs: [
      [0.2021484375, 0.4560546875, 0.802734375, 0.4658203125, 0.3623046875],
      [0.326171875, 0.232421875, 0.935546875, 0.1435546875, 0.9423828125],
    ],
  },
  {
    type: 'RandomUniform',
    shape: [5],
    attrs: { seed: 1, seed2: 2, dtype: 'bfloat16' },
    runs: [
      [0.6171875, 0.6484375, 0.421875, 0.7265625, 0.8984375],
      [0.609375, 0.859375, 0.484375, 0.1484375, 0.5390625],
    ],
  },
  {
    type: 'RandomUniform',
    shape: [],
    attrs: { seed: 1, seed2: 2, dtype: 'float32' },
    runs: [[0.406396746635437], [0.431598424911499], [0.603865385055542]],
  },
  {
    type: 'RandomUniform',
    shape: [6],
    attrs: { seed: 1099511627781, seed2: -7, dtype: 'float32' },
    runs: [
      [
        0.81474769115448, 0.46181774139404297, 0.4827936887741089, 0.13985109329223633, 0.19293451309204102,
        0.365276575088501,
      ],
      [
        0.45748746395111084, 0.8367654085159302, 0.8922083377838135, 0.8029314279556274, 0.6858407258987427,
        0.3898261785507202,
      ],
    ],
  },
  {
    type: 'RandomStandardNormal',
    shape: [7],
    attrs: { seed: 1, seed2: 2, dtype: 'float32' },
    runs: [
      [
        -1.0467792749404907, 0.8397045731544495, 1.235836386680603, 2.0637853145599365, 0.3037427067756653,
        1.2963250875473022, 0.4801928997039795,
      ],
      [
        -0.9494025111198425, 0.8800334930419922, -0.9758495092391968, -1.300527811050415, 0.49792933464050293,
        0.00779465027153492, 0.39359092712402344,
      ],
      [
        0.6531156897544861, -0.598078191280365, 0.7067622542381287, 0.9542650580406189, 1.390192985534668,
        2.313859462738037, 0.2803681194782257,
      ],
    ],
  },
  {
    type: 'RandomStandardNormal',
    shape: [3],
    attrs: { seed: 1, seed2: 2, dtype: 'float64' },
    runs: [
      [0.58105877128258, -1.557429113677359, 1.555896998265924],
      [1.4214151757493292, -0.3081369815335189, -0.14890773561329823],
    ],
  },
  {
    type: 'RandomStandardNormal',
    shape: [5],
    attrs: { seed: 1, seed2: 2, dtype: 'float16' },
    runs: [
      [-1.046875, 0.83984375, 1.2353515625, 2.064453125, 0.3037109375],
      [1.208984375, -1.4853515625, -0.157958984375, -0.26953125, -0.50146484375],
    ],
  },
  {
    type: 'RandomStandardNormal',
    shape: [5],
    attrs: { seed: 1, seed2: 2, dtype: 'bfloat16' },
    runs: [
      [-1.046875, 0.83984375, 1.234375, 2.0625, 0.3046875],
      [1.2109375, -1.484375, -0.158203125, -0.26953125, -0.5],
    ],
  },
];

/** `tf.raw_ops.RandomUniformInt(shape, minval, maxval, seed=1, seed2=2)`. */
export const integers: readonly {
  shape: number[];
  dtype: DType;
  bounds: [number, number | bigint];
  runs: (number | bigint)[][];
}[] = [
  {
    shape: [6],
    dtype: 'int32',
    bounds: [-10, 1000],
    runs: [
      [589, 75, 702, 259, 921, 216],
      [820, 569, 534, -10, 377, 738],
    ],
  },
  {
    shape: [6],
    dtype: 'int32',
    bounds: [-2147483648, 2147483647],
    runs: [
      [1731462351, 216909267, -1090054346, -1978991139, 934592883, 1527033938],
      [-373297628, -133690529, 1203430256, -526781088, -1945413571, 939294250],
    ],
  },
  {
    shape: [3],
    dtype: 'int64',
    bounds: [-1099511627776, 4611686018427387904n],
    runs: [
      [931614913308394703n, 723668717321787190n, 1946870410200269171n],
      [1257010328002465375n, 1981709934047562538n, 2910344289869526670n],
    ],
  },
];

/** `tf.random.stateless_uniform([7], [3, -4])`. */
export const statelessUniform32 = [
  0.19548892974853516, 0.72270667552948, 0.8852598667144775, 0.6083104610443115, 0.8486368656158447, 0.3942985534667969,
  0.9706143140792847,
];

/** `tf.random.stateless_uniform([3], [3, -4], dtype=float64)`. */
export const statelessUniform64 = [0.5639122309586158, 0.08207911738811147, 0.7890958737475771];

/** `tf.random.stateless_normal([7], [3, 4])`. */
export const statelessNormal32 = [
  -0.17393383383750916, 1.6723546981811523, 0.3481701612472534, -1.7038906812667847, -0.6153246164321899,
  0.36620965600013733, 0.08287584781646729,
];

/** `tf.random.stateless_normal([3], [3, 4], dtype=float64)`. */
export const statelessNormal64 = [-0.33108455971554474, 0.027812399664981575, -1.4892401731006637];

/** `tf.random.stateless_uniform([6], [3, 4], minval=-5, maxval=50, dtype=int32)`. */
export const statelessIntegers = [18, 7, 17, 19, 7, 4];

/** `tf.random.stateless_uniform([6], [3, 4], minval=None, maxval=None, dtype=int32)`. */
export const statelessFull32 = [-1860230133, -671226999, -1390659934, 1052501199, -1503457849, -798298177];

/** `tf.random.stateless_uniform([3], [3, 4], minval=None, maxval=None, dtype=uint64)`. */
export const statelessFull64 = [15563846067247064075n, 4520458231610095266n, 15018079513829641671n];

/** `tf.raw_ops.StatelessRandomGetKeyCounter(seed=[3, -4]).key`. */
export const statelessKey = [8496633186236937083n];

/** `tf.raw_ops.StatelessRandomGetKeyCounter(seed=[3, -4]).counter`. */
export const statelessCounter = [0, 10170721048406114738n];

/** Elements 0, 9,999 and 29,999 of `tf.raw_ops.RandomUniform(shape=[30000], dtype=float32, seed=1, seed2=2)`. */
export const large = [
  [0.406396746635437, 0.4208035469055176, 0.027419447898864746],
  [0.3674224615097046, 0.00959920883178711, 0.3494911193847656],
];
