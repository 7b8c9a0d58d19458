"""Opens GraphDefs with TensorBoard: python tensorboard.py LOGDIR FILE.pb …

Writes each as a run of LOGDIR, as TensorFlow's summary writer does, and prints what the graphs plugin gives the page for it: a line of JSON a file.
"""

import json
import os
import sys
import warnings

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ['CUDA_VISIBLE_DEVICES'] = ''
answers = os.fdopen(os.dup(1), 'w', buffering=1, encoding='utf-8')
os.dup2(2, 1)
# This file must not stand in for the package.
sys.path.pop(0)

from google.protobuf import text_format  # noqa: E402
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer  # noqa: E402
from tensorboard.compat.proto import event_pb2, graph_pb2  # noqa: E402
from tensorboard.context import RequestContext  # noqa: E402
from tensorboard.plugins import base_plugin  # noqa: E402
from tensorboard.plugins.graph import graphs_plugin  # noqa: E402
from tensorboard.summary.writer.event_file_writer import EventFileWriter  # noqa: E402


def main(logdir, *files):
    for file in files:
        with open(file, 'rb') as source:
            writer = EventFileWriter(os.path.join(logdir, os.path.basename(file)))
            writer.add_event(event_pb2.Event(wall_time=0, graph_def=source.read()))
            writer.close()
    multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(logdir)
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, logdir)
    plugin = graphs_plugin.GraphsPlugin(base_plugin.TBContext(data_provider=provider))
    context = RequestContext()
    for file in files:
        run = os.path.basename(file)
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter('always')
            text, _ = plugin.graph_impl(context, run, None, False, '', limit_attr_size=1024, large_attrs_key='_too_large')
            graph = text_format.Parse(text, graph_pb2.GraphDef())
        answer = {
            'offered': plugin.info_impl(context, '')[run]['run_graph'],
            'complaints': [str(complaint.message) for complaint in complaints],
            'nodes': [
                {'name': node.name, 'op': node.op, 'inputs': list(node.input), 'device': node.device, 'attributes': sorted(node.attr)}
                for node in graph.node
            ],
            'functions': [function.signature.name for function in graph.library.function],
        }
        print(json.dumps(answer), file=answers)


if __name__ == '__main__':
    main(*sys.argv[1:])
