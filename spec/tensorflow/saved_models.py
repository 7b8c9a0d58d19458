"""Writes SavedModels with TensorFlow, and what TensorFlow computes with them: python saved_models.py FOLDER [NAME …]

Beside each folder NAME there is NAME.json: for every signature its inputs, outputs and, of the sum of the squares of all outputs, the gradients by
each variable, by its value. Recorded for the specs that run without TensorFlow are
  python spec/tensorflow/saved_models.py spec/fixtures/saved-models module partitioned
"""

import json
import os
import shutil
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'
os.environ['CUDA_VISIBLE_DEVICES'] = ''

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from checkpoints import encode_array  # noqa: E402
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2  # noqa: E402

tf.get_logger().setLevel('ERROR')
v1 = tf.compat.v1


def numbers(shape, seed):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


class Perceptron(tf.Module):
    """Two signatures, one of which calls the other; variables of equal names, one that is not trainable, and one that nothing uses."""

    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name='kernel')
        self.bias = tf.Variable([0.5, -0.5], name='bias')
        self.scale = tf.Variable([0.25], name='bias', trainable=False)
        self.unused = tf.Variable(8, name='bias', dtype=tf.int64, trainable=False)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name='x')])
    def __call__(self, x):
        return {'y': tf.tanh(x @ self.kernel * self.scale + self.bias)}

    @tf.function(
        input_signature=[tf.TensorSpec([None, 3], tf.float32, name='x'), tf.TensorSpec([None, 2], tf.float32, name='t')]
    )
    def loss(self, x, t):
        return tf.reduce_mean((self(x)['y'] - t) ** 2)


def write_module(folder):
    module = Perceptron()
    signatures = {'serving_default': module.__call__, 'loss': module.loss}
    tf.saved_model.save(module, folder, signatures=signatures)
    inputs = {'x': numbers([4, 3], 1), 't': numbers([4, 2], 2)}
    return described(folder, {'serving_default': {'x': inputs['x']}, 'loss': inputs})


class Branching(tf.Module):
    """Control flow, a nested function that is called twice, and a custom gradient."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable([0.5, 1.5], name='weight')

    @tf.function
    def step(self, x):
        return tf.sin(x) * self.weight

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32, name='x'), tf.TensorSpec([], tf.int32, name='n')])
    def __call__(self, x, n):
        for _ in tf.range(n):
            x = self.step(x)
        if tf.reduce_sum(x) > 0:
            x = self.step(x) + self.weight
        else:
            x = tf.exp(x) * self.weight[0]
        return x


def write_branching(folder):
    module = Branching()
    tf.saved_model.save(module, folder, signatures=module.__call__)
    inputs = {'x': np.array([0.3, -0.2], np.float32), 'n': np.array(3, np.int32)}
    return described(folder, {'serving_default': inputs})


@tf.custom_gradient
def clipped(x, limit):
    """Its gradient is one's own, and looks at what was computed on the way; none for the limit."""
    e = tf.exp(x)

    def gradient(dy):
        return dy * tf.clip_by_value(e, -limit, limit) * 0.5, None

    return tf.minimum(e, limit) + tf.stop_gradient(x), gradient


class Custom(tf.Module):
    """Custom gradients, in a function and in one that it calls."""

    def __init__(self):
        super().__init__()
        self.weight = tf.Variable([0.7, -0.4], name='weight')

    @tf.function
    def inner(self, x):
        return clipped(x * self.weight, tf.constant(1.25))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name='x')])
    def __call__(self, x):
        return clipped(self.inner(x) + self.weight, tf.constant(3.5))


def write_custom(folder):
    module = Custom()
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
    tf.saved_model.save(module, folder, signatures=module.__call__, options=options)
    return described(folder, {'serving_default': {'x': numbers([3, 2], 30)}})


def keras_model(activation='swish'):
    import keras

    keras.utils.set_random_seed(7)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation='relu', padding='same'),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3, activation='elu'),
            layers.AveragePooling2D(2, padding='same'),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(6, activation='gelu'),
            layers.LayerNormalization(),
            layers.Dense(5, activation=activation),
            layers.Dense(3, activation='softmax'),
        ]
    )
    # No two variables have the same value, by which they are told apart.
    for i, variable in enumerate(model.variables):
        if variable.dtype == 'float32':
            variable.assign(variable + numbers(variable.shape, 100 + i) ** 2 / 4)
    return model


def write_keras(folder):
    model = keras_model()
    model.export(folder, verbose=False)
    return described(folder, {'serving_default': {'keras_tensor': numbers([2, 8, 8, 2], 3)}})


def described(folder, calls):
    """What TensorFlow computes with what it has loaded again."""
    loaded = tf.saved_model.load(folder)
    reader = tf.train.load_checkpoint(f'{folder}/variables/variables')
    answer = {'signatures': {}, 'checkpoint': {}}
    for key in sorted(reader.get_variable_to_shape_map()):
        if key.endswith('VARIABLE_VALUE'):
            answer['checkpoint'][key] = encode_array(reader.get_tensor(key))
    for name, inputs in calls.items():
        signature = loaded.signatures[name]
        captured = [v for v in signature.variables]
        with tf.GradientTape() as tape:
            tape.watch(captured)
            outputs = signature(**{key: tf.constant(value) for key, value in inputs.items()})
            target = tf.add_n([tf.reduce_sum(tf.square(value)) for value in outputs.values()])
        gradients = tape.gradient(target, captured)
        answer['signatures'][name] = {
            'inputs': {key: encode_array(value) for key, value in inputs.items()},
            'outputs': {key: encode_array(value) for key, value in outputs.items()},
            # Several variables may have one name: those of one value are the same.
            'gradients': [
                {'value': encode_array(variable), 'trainable': variable.trainable, 'gradient': encode_array(gradient)}
                for variable, gradient in zip(captured, gradients)
                if gradient is not None
            ],
        }
    return answer


def write_training(folder):
    """A training graph of version 1 under the tag 'train', and what serves under 'serve' and 'tpu'."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 3], name='x')
        t = v1.placeholder(tf.float32, [None, 1], name='t')
        with v1.variable_scope('layer', use_resource=True):
            w = v1.get_variable('w', [3, 4], initializer=v1.random_normal_initializer(seed=5))
            b = v1.get_variable('b', [4], initializer=v1.constant_initializer(0.25))
            out = v1.get_variable('out', [4, 1], initializer=v1.random_normal_initializer(seed=6))
        step = v1.train.get_or_create_global_step()
        hidden = tf.nn.relu(v1.nn.xw_plus_b(x, w, b), name='hidden')
        y = tf.matmul(hidden, out, name='y')
        loss = tf.reduce_mean(v1.squared_difference(y, t), name='loss')
        variables = [w, b, out]
        gradients = tf.gradients(loss, variables, name='theirs')
        v1.train.AdamOptimizer(0.01).minimize(loss, global_step=step, name='train')
        session.run(v1.global_variables_initializer())
        inputs = {x: numbers([5, 3], 8), t: numbers([5, 1], 9)}
        for _ in range(3):
            session.run('train', inputs)
        builder = v1.saved_model.builder.SavedModelBuilder(folder)
        predict = v1.saved_model.signature_def_utils.predict_signature_def({'x': x}, {'y': y, 'loss': loss})
        builder.add_meta_graph_and_variables(session, ['train'], signature_def_map={'predict': predict}, strip_default_attrs=True)
        builder.add_meta_graph(['serve', 'tpu'], signature_def_map={'predict': predict})
        builder.save(as_text=True)
        loss_value, y_value, gradient_values, values = session.run([loss, y, gradients, variables], inputs)
        session.run('train', inputs)
        return {
            'inputs': {tensor.op.name: encode_array(value) for tensor, value in inputs.items()},
            'outputs': {'loss': encode_array(loss_value), 'y': encode_array(y_value)},
            'step after': int(session.run(step)),
            'after': {v.op.name: encode_array(value) for v, value in zip(variables, session.run(variables))},
            'gradients': {v.op.name: encode_array(g) for v, g in zip(variables, gradient_values)},
            'values': {v.op.name: encode_array(value) for v, value in zip(variables, values)},
        }


def write_partitioned(folder):
    """Version 1 again: a variable in two parts, which the checkpoint has as slices of one tensor, and an operation to run first."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float64, [None, 4], name='x')
        with v1.variable_scope('layer', use_resource=True, partitioner=v1.fixed_size_partitioner(2)):
            w = v1.get_variable('w', [4, 2], tf.float64, initializer=v1.random_uniform_initializer(-1, 1, seed=3))
        count = v1.get_variable('count', initializer=0, use_resource=True, trainable=False, collections=[v1.GraphKeys.LOCAL_VARIABLES])
        y = tf.matmul(x, tf.convert_to_tensor(w), name='y')
        loss = tf.reduce_sum(tf.sigmoid(y))
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        parts = list(w)
        session.run([part.assign(numbers([2, 2], 20 + i)) for i, part in enumerate(parts)])
        feeds = {x: numbers([3, 4], 12).astype(np.float64)}
        values, gradients, whole = session.run([parts, tf.gradients(loss, parts), tf.convert_to_tensor(w)], feeds)
        builder = v1.saved_model.builder.SavedModelBuilder(folder)
        predict = v1.saved_model.signature_def_utils.predict_signature_def({'x': x}, {'y': y})
        builder.add_meta_graph_and_variables(
            session, ['serve'], signature_def_map={'predict': predict}, main_op=v1.local_variables_initializer(), strip_default_attrs=True
        )
        builder.add_meta_graph(['serve', 'gpu'], signature_def_map={'predict': predict})
        builder.save()
        return {
            'x': encode_array(feeds[x]),
            'loss': encode_array(session.run(loss, feeds)),
            'whole': encode_array(whole),
            'count': count.op.name,
            'variables': {
                part.op.name: {'value': encode_array(value), 'gradient': encode_array(gradient)}
                for part, value, gradient in zip(parts, values, gradients)
            },
        }


def write_graphs(folder):
    """A Keras model's function as GraphDefs: called as a function of variables, and frozen, which makes one graph of constants of it."""
    # Of a custom gradient, such as that of swish, nothing is left in such a file but a name.
    model = keras_model(activation='tanh')
    inner = tf.function(model)
    function = tf.function(lambda x: inner(x)).get_concrete_function(tf.TensorSpec([None, 8, 8, 2], tf.float32, name='x'))
    frozen = convert_variables_to_constants_v2(function)
    os.makedirs(folder)
    for name, graph in {'frozen': frozen.graph, 'called': function.graph}.items():
        tf.io.write_graph(graph, folder, f'{name}.pb', as_text=False)
        tf.io.write_graph(graph, folder, f'{name}.pbtxt', as_text=True)
    x, dy = tf.constant(numbers([2, 8, 8, 2], 3)), tf.constant(numbers([2, 3], 4))
    handles = {id(v.handle): v for v in function.variables}
    captured = {inside.op.name: handles[id(outside)] for outside, inside in function.graph.captures if id(outside) in handles}
    with tf.GradientTape() as tape:
        tape.watch([x, *captured.values()])
        y = model(x)
    by_input, *by_variables = tape.gradient(y, [x, *captured.values()], output_gradients=dy)
    return {
        'x': encode_array(x),
        'dy': encode_array(dy),
        'y': encode_array(y),
        'dx': encode_array(by_input),
        'frozen': {'x': frozen.inputs[0].name, 'y': frozen.outputs[0].name},
        'called': {'x': function.inputs[0].name, 'y': function.outputs[0].name},
        'variables': {
            name: {'value': encode_array(variable), 'gradient': encode_array(gradient)}
            for (name, variable), gradient in zip(captured.items(), by_variables)
        },
    }


WRITERS = {
    'module': write_module,
    'branching': write_branching,
    'custom': write_custom,
    'keras': write_keras,
    'training': write_training,
    'partitioned': write_partitioned,
    'graphs': write_graphs,
}


def main(folder, *names):
    os.makedirs(folder, exist_ok=True)
    for name in names or WRITERS:
        shutil.rmtree(f'{folder}/{name}', ignore_errors=True)
        answer = WRITERS[name](f'{folder}/{name}')
        with open(f'{folder}/{name}.json', 'w', encoding='utf-8') as file:
            json.dump(answer, file, indent=1)


if __name__ == '__main__':
    main(*sys.argv[1:])
