"""GraphDefs on the way between TensorFlow and the library, in files.

  graph_def.py write DIR   writes graphs (NAME.pb, NAME.pbtxt) with what TensorFlow makes of them (NAME.json)
  graph_def.py read DIR    runs the graphs that it finds (NAME.pb, what to run in NAME.json) and writes what they give (NAME.out.json)
  graph_def.py ops         prints the registrations of all ops
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
from google.protobuf import json_format, text_format  # noqa: E402
from tensorflow.python.framework import op_def_registry  # noqa: E402
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2  # noqa: E402

v1 = tf.compat.v1
tf.get_logger().setLevel('ERROR')


def encode(value):
    array = np.asarray(value)
    kind = tf.as_dtype(array.dtype)
    if array.dtype == object or array.dtype.kind in 'SU':
        flat = [item if isinstance(item, bytes) else str(item).encode() for item in array.reshape(-1).tolist()]
        return {'dtype': 'string', 'shape': list(array.shape), 'data': [base64.b64encode(x).decode() for x in flat]}
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {'dtype': kind.name, 'shape': list(array.shape), 'data': data}


def decode(value):
    if value['dtype'] == 'string':
        return np.array([base64.b64decode(x) for x in value['data']], dtype=object).reshape(value['shape'])
    dtype = tf.as_dtype(value['dtype']).as_numpy_dtype
    return np.frombuffer(base64.b64decode(value['data']), dtype=dtype).reshape(value['shape'])


def layers(x, kind):
    """A small network with two parameters."""
    w = v1.get_variable('w', initializer=np.linspace(-1, 1, 12).reshape(3, 4).astype(np.float32))
    b = v1.get_variable('b', initializer=np.linspace(0, 1, 4).astype(np.float32))
    h = kind(tf.matmul(x, w) + b)
    return h


def training(build, **options):
    """A training graph of version 1: its loss, gradients, update and initialiser."""
    graph = tf.Graph()
    with graph.as_default():
        v1.enable_resource_variables()
        x = v1.placeholder(tf.float32, [None, 3], name='x')
        y = v1.placeholder(tf.float32, [None, 4], name='y')
        with v1.variable_scope('layer'):
            h = build(x)
        loss = tf.reduce_mean(tf.math.squared_difference(h, y), name='loss')
        variables = v1.trainable_variables()
        options['optimizer']().minimize(loss, name='train')
        v1.train.Saver()
        v1.global_variables_initializer()
        feeds = {'x:0': np.arange(6, dtype=np.float32).reshape(2, 3) / 7, 'y:0': np.ones((2, 4), np.float32)}
        gradients = tf.gradients(loss, [v.handle for v in variables])
        for gradient, name in zip(gradients, ['dw', 'db']):
            tf.identity(gradient, name=name)
    return graph, {
        'feeds': feeds,
        'init': ['init'],
        'train': ['train'],
        'ys': ['loss:0'],
        'xs': [v.handle.name for v in variables],
        'gradients': ['dw:0', 'db:0'],
        'after': [v.name.replace(':0', '/Read/ReadVariableOp:0') for v in variables],
    }


def functional(function, *specs, feeds):
    """The graph of a function, with its gradient for every argument."""
    concrete = tf.function(function).get_concrete_function(*specs)
    values = [tf.constant(feeds[spec.name + ':0']) for spec in specs]
    with tf.GradientTape() as tape:
        tape.watch(values[0])
        result = tf.function(function)(*values)
    graph = concrete.graph
    return graph, {
        'feeds': feeds,
        'ys': [concrete.outputs[0].name],
        'xs': [specs[0].name + ':0'],
        'expected': {'y': encode(result), 'dx': encode(tape.gradient(result, values[0]))},
    }


def loop(x, n):
    w = tf.constant([[0.5, 0.2], [-0.3, 0.4]])
    for i in tf.range(n):
        x = tf.tanh(tf.matmul(x, w)) * tf.cast(i + 1, tf.float32)
    return tf.reduce_sum(x * x)


def choice(x, n):
    y = tf.cond(n > 1, lambda: tf.exp(x) * x, lambda: x * x)
    return tf.reduce_sum(y * tf.switch_case(n, [lambda: tf.sin(x), lambda: tf.cos(x), lambda: x]))


@tf.function
def inner(x, n):
    return tf.tanh(x) * tf.cast(n, tf.float32)


def calls(x, n):
    y = inner(x, n)
    while tf.reduce_sum(y) > 0.5:
        y = tf.cond(n > 1, lambda: y * 0.5, lambda: inner(y, n) * 0.25)
    return tf.reduce_sum(y * inner(x, n))


def frozen():
    w = tf.Variable([[0.5, 0.2], [-0.3, 0.4]])
    function = tf.function(lambda x: tf.reduce_sum(tf.nn.softmax(tf.matmul(x, w) @ w)[:, 0]))
    concrete = function.get_concrete_function(tf.TensorSpec([2, 2], tf.float32, name='x'))
    constants = convert_variables_to_constants_v2(concrete)
    x = tf.constant([[0.1, 0.2], [0.3, 0.4]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return constants.graph, {
        'feeds': {'x:0': x.numpy()},
        'ys': [constants.outputs[0].name],
        'xs': ['x:0'],
        'expected': {'y': encode(y), 'dx': encode(tape.gradient(y, x))},
    }


def references():
    """Variables of version 1's first kind."""
    graph = tf.Graph()
    with graph.as_default():
        v1.disable_resource_variables()
        x = v1.placeholder(tf.float32, [None, 3], name='x')
        w = v1.get_variable('w', initializer=np.ones((3, 4), np.float32))
        loss = tf.reduce_sum(tf.tanh(tf.matmul(x, w)), name='loss')
        v1.train.GradientDescentOptimizer(0.1).minimize(loss, name='train')
        v1.global_variables_initializer()
        tf.gradients(loss, [w])
        v1.enable_resource_variables()
    return graph, None


def graphs():
    arguments = [tf.TensorSpec([2, 2], tf.float32, name='x'), tf.TensorSpec([], tf.int32, name='n')]
    feeds = {'x:0': np.array([[0.1, 0.2], [0.3, 0.4]], np.float32), 'n:0': np.array(3, np.int32)}
    yield 'momentum', *training(lambda x: layers(x, tf.nn.relu), optimizer=lambda: v1.train.MomentumOptimizer(0.1, 0.9))
    yield 'adam', *training(lambda x: layers(x, tf.tanh), optimizer=lambda: v1.train.AdamOptimizer(0.01))
    yield 'rmsprop', *training(lambda x: layers(x, tf.sigmoid), optimizer=lambda: v1.train.RMSPropOptimizer(0.01))
    yield 'loop', *functional(loop, *arguments, feeds=feeds)
    yield 'choice', *functional(choice, *arguments, feeds={**feeds, 'n:0': np.array(1, np.int32)})
    yield 'calls', *functional(calls, *arguments, feeds=feeds)
    yield 'frozen', *frozen()
    yield 'references', *references()


def run(session, todo, fetches):
    return {name: encode(value) for name, value in zip(fetches, session.run(fetches, todo['feeds']))}


def write(folder):
    for name, graph, todo in graphs():
        graph_def = graph.as_graph_def()
        with open(f'{folder}/{name}.pb', 'wb') as file:
            file.write(graph_def.SerializeToString(deterministic=True))
        with open(f'{folder}/{name}.pbtxt', 'w') as file:
            file.write(text_format.MessageToString(graph_def))
        if todo and 'init' in todo:
            with v1.Session(graph=graph) as session:
                session.run(todo['init'])
                before = run(session, todo, todo['ys'] + todo['gradients'])
                session.run(todo['train'], todo['feeds'])
                todo['expected'] = {
                    'y': before[todo['ys'][0]],
                    'gradients': [before[name] for name in todo['gradients']],
                    'after': [encode(session.run(name)) for name in todo['after']],
                }
        if todo:
            todo['feeds'] = {name: encode(value) for name, value in todo['feeds'].items()}
        with open(f'{folder}/{name}.json', 'w') as file:
            json.dump(todo, file)


def read(folder):
    for entry in sorted(os.listdir(folder)):
        name, ending = os.path.splitext(entry)
        if ending != '.pb':
            continue
        with open(f'{folder}/{entry}', 'rb') as file:
            data = file.read()
        graph_def = v1.GraphDef.FromString(data)
        answer = {'bytes': graph_def.SerializeToString(deterministic=True) == data, 'values': {}, 'errors': {}}
        if os.path.exists(f'{folder}/{name}.pbtxt'):
            with open(f'{folder}/{name}.pbtxt') as file:
                text = file.read()
            answer['text'] = text_format.MessageToString(graph_def) == text
            answer['parsed'] = text_format.Parse(text, v1.GraphDef()) == graph_def
        if os.path.exists(f'{folder}/{name}.graph.json'):
            with open(f'{folder}/{name}.graph.json') as file:
                answer['json'] = json_format.Parse(file.read(), v1.GraphDef()) == graph_def
        with open(f'{folder}/{name}.json') as file:
            todo = json.load(file)
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(graph_def, name='')
        feeds = {key: decode(value) for key, value in todo['feeds'].items()}
        with v1.Session(graph=graph) as session:
            for step in todo.get('init', []):
                session.run(step, feeds)
            for fetch in todo['fetches']:
                try:
                    answer['values'][fetch] = encode(session.run(fetch, feeds))
                except (tf.errors.OpError, TypeError, ValueError) as error:
                    answer['errors'][fetch] = str(error)[:300]
        with open(f'{folder}/{name}.out.json', 'w') as file:
            json.dump(answer, file)


def ops():
    registered = {}
    names = json.loads(sys.stdin.read())
    for name in names:
        op = op_def_registry.get(name)
        if op is not None:
            registered[name] = json_format.MessageToDict(op, preserving_proto_field_name=True)
    print(json.dumps(registered))


if __name__ == '__main__':
    {'write': write, 'read': read}[sys.argv[1]](sys.argv[2]) if len(sys.argv) > 2 else ops()
