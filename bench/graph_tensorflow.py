"""The same chain built and differentiated by TensorFlow; prints seconds as JSON."""
import json
import sys
import time

import tensorflow as tf

tf.compat.v1.disable_eager_execution()
n = int(sys.argv[1])
with tf.Graph().as_default():
    start = time.perf_counter()
    x = tf.compat.v1.placeholder(tf.float32, [10])
    y = x
    for i in range(n):
        y = tf.tanh(y) if i % 2 == 0 else tf.multiply(y, x)
    built = time.perf_counter()
    tf.compat.v1.gradients(y, x)
    done = time.perf_counter()
print(json.dumps({"build": built - start, "differentiate": done - built}))
