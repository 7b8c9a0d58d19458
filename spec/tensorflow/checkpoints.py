"""Writes checkpoints with TensorFlow, and what is in them: python checkpoints.py FOLDER

spec/fixtures/checkpoints has all of it but `many`.
"""

import base64
import json
import os
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'
os.environ['CUDA_VISIBLE_DEVICES'] = ''

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

NUMBERS = [
    tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64,
    tf.uint8, tf.uint16, tf.uint32, tf.uint64, tf.bool, tf.complex64, tf.complex128,
]  # fmt: skip


def encode_array(value):
    array = value.numpy() if tf.is_tensor(value) else np.asarray(value)
    kind = tf.as_dtype(array.dtype)
    result = {'dtype': kind.name, 'shape': list(array.shape)}
    if kind == tf.string or array.dtype == object:
        flat = [item if isinstance(item, bytes) else str(item).encode() for item in np.reshape(array, -1).tolist()]
        return {**result, 'dtype': 'string', 'data': [base64.b64encode(item).decode() for item in flat]}
    return {**result, 'data': base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()}


def save(prefix, tensors):
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(tensors),
        shape_and_slices=[''] * len(tensors),
        tensors=list(tensors.values()),
    )


def everything():
    """A tensor of every dtype, a scalar, an empty one, and strings of any bytes and lengths."""
    tensors = {f'number/{dtype.name}': tf.cast(tf.constant([[0, 1, 2], [100, 5, 77]]), dtype) for dtype in NUMBERS}
    tensors['number/complex64'] = tf.constant([[1.5 - 2j, 3j]], tf.complex64)
    tensors['number/complex128'] = tf.constant([1e-300 + 1e300j], tf.complex128)
    tensors['number/negative'] = tf.constant([-(2**63), 2**63 - 1, -1], tf.int64)
    tensors['scalar'] = tf.constant(2.5)
    tensors['empty'] = tf.zeros([0, 3])
    tensors['text'] = tf.constant([['', 'a', 'ä€😀'], ['x' * 300, 'line\nbreak', '\0']])
    tensors['bytes'] = tf.constant([b'\xff\x00\x80', b'\xed\xa0\x80'])
    tensors['no text'] = tf.constant([], tf.string)
    return tensors


def write_everything(folder):
    tensors = everything()
    save(f'{folder}/everything', {**tensors, 'foreign': tf.bitcast(tf.constant([1, 2], tf.uint8), tf.quint8)})
    return tensors


def write_sliced(folder):
    """Partitioned tensors, in three shards; the name of one has bytes that keys of slices escape."""
    name = 'zero \0 and ÿ'
    whole = {
        'matrix': tf.reshape(tf.range(12, dtype=tf.float64), [4, 3]),
        'cube': tf.cast(tf.reshape(tf.range(2 * 200 * 3), [2, 200, 3]), tf.complex64) * (1 - 2j),
        'words': tf.constant([['a', 'bc'], ['def', ''], ['g', 'h']]),
        name: tf.constant([1, 2, 3, 4], tf.int16),
    }
    parts = [
        [('matrix', '4 3 0,1:-'), ('cube', '2 200 3 -:0,70:0,2')],
        [('matrix', '4 3 1,3:-'), ('cube', '2 200 3 -:0,70:2,1'), ('words', '3 2 0,2:0,2')],
        [('cube', '2 200 3 -:70,130:-'), ('words', '3 2 2,1:0,2'), (name, '4 0,4')],
    ]
    prefixes = [f'{folder}/part{i}' for i in range(len(parts))]
    for prefix, part in zip(prefixes, parts):
        tensors = [whole[key][indices(where)] for key, where in part]
        names, slices = zip(*part)
        tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=tensors)
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=prefixes, destination_prefix=f'{folder}/sliced')
    return whole


def indices(shape_and_slice):
    """The slice that `4 3 0,1:-` speaks of."""
    extents = [part.split(',') for part in shape_and_slice.split(' ')[-1].split(':')]
    return tuple(slice(None) if first == '-' else slice(int(first), int(first) + int(rest[0])) for first, *rest in extents)


def write_many(folder):
    """So many names that the index has several blocks, and restart points in each."""
    tensors = {f'layer_{i:04d}/kernel_of_a_long_name/{i % 7}': tf.constant([i], tf.int32) for i in range(6000)}
    save(f'{folder}/many', tensors)
    return {name: tensors[name] for name in list(tensors)[::997]}


def write_variables(folder):
    """What tf.train.Checkpoint writes: variables of a tree of objects, the slots of an optimizer, and the tree itself."""
    root = tf.train.Checkpoint(step=tf.Variable(3, dtype=tf.int64), layers=[tf.Variable([[1.0, 2.0]]), tf.Variable(tf.constant(['p', 'q']))])
    root.write(f'{folder}/variables')
    return {'step/.ATTRIBUTES/VARIABLE_VALUE': root.step, 'layers/0/.ATTRIBUTES/VARIABLE_VALUE': root.layers[0], 'layers/1/.ATTRIBUTES/VARIABLE_VALUE': root.layers[1]}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    written = {'everything': write_everything, 'sliced': write_sliced, 'many': write_many, 'variables': write_variables}
    values = {
        prefix: {name: encode_array(tensor) for name, tensor in write(folder).items()} for prefix, write in written.items()
    }
    with open(f'{folder}/expected.json', 'w', encoding='utf-8') as file:
        json.dump(values, file, indent=1)


if __name__ == '__main__':
    main(sys.argv[1])
