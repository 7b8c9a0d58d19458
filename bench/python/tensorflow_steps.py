"""Steps in a TensorFlow session, which gets the very nodes that tapeless runs."""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import tensorflow as tf  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from peer import arrays  # noqa: E402

tf.get_logger().setLevel('ERROR')
tf.compat.v1.disable_eager_execution()
version = tf.__version__


def load(question):
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(json_format.Parse(question['graph'], tf.compat.v1.GraphDef()), name='')
    session = tf.compat.v1.Session(graph=graph)
    if question['init']:
        session.run(graph.get_operation_by_name(question['init']))
    fetches = [graph.get_tensor_by_name(name) for name in question['fetches']]
    count = len(fetches)
    if question['update']:
        fetches.append(graph.get_operation_by_name(question['update']))
    run = session.make_callable(fetches, [graph.get_tensor_by_name(name) for name in question['feeds']])
    inputs = list(arrays(question['inputs']).values())
    return lambda: run(*inputs)[:count]
