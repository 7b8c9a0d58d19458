"""The process of one Python peer: one question a line on stdin, one answer a line on stdout, as bench/child.ts."""

import base64
import importlib
import json
import os
import sys
import textwrap
import time

# Whatever a library prints must not get between the answers.
answers = os.fdopen(os.dup(1), 'w', buffering=1, encoding='utf-8')
os.dup2(2, 1)

import numpy  # noqa: E402


def arrays(packed):
    return {
        name: numpy.frombuffer(base64.b64decode(value['data']), value['dtype']).reshape(value['shape']).copy()
        for name, value in packed.items()
    }


def function(code, names):
    """The `f(v)` whose body a workload gives."""
    scope = dict(names)
    exec('def f(v):\n' + textwrap.indent(code.strip(), '    '), scope)
    return scope['f']


def packed(value):
    return base64.b64encode(numpy.ascontiguousarray(numpy.asarray(value), 'float64').tobytes()).decode()


def main():
    library = importlib.import_module(f"{sys.argv[1].replace('-', '_')}_steps")
    step = None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if 'open' in question:
                answer = {'version': library.version}
            elif 'load' in question:
                step = library.load(question['load'])
                answer = {}
            elif 'results' in question:
                answer = {'results': [[packed(value) for value in step()] for _ in range(question['results'])]}
            else:
                start = time.perf_counter()
                for _ in range(question['time']):
                    step()
                answer = {'seconds': time.perf_counter() - start}
        except Exception as error:  # noqa: BLE001: told to the one who asked
            answer = {'error': f'{type(error).__name__}: {error}'[:2000]}
        answers.write(json.dumps(answer) + '\n')


if __name__ == '__main__':
    sys.modules['peer'] = sys.modules['__main__']
    main()
