"""Runs the tasks of a TensorFlow cluster as processes of this machine, until its standard input ends.

The argument is the cluster as JSON, {"ps": ["127.0.0.1:2222"], "worker": […]}. A line `start JOB TASK` on standard input starts a task
(again); each task that listens is told by a line {"job": …, "task": …, "pid": …} on standard output.
"""
import json
import os
import signal
import sys
import time

import tensorflow as tf


def tell(**facts):
    # In one piece: other tasks write to the same pipe.
    os.write(1, (json.dumps(facts) + '\n').encode())


def serve(cluster, job, task, parent):
    """Runs one task; ends with the process that started it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = tf.distribute.Server(tf.train.ClusterSpec(cluster), job_name=job, task_index=task, start=True)
    tell(job=job, task=task, pid=os.getpid())
    while os.getppid() == parent:
        time.sleep(0.2)
    del server


def start(cluster, job, task):
    """Starts a task in a process of its own, which has TensorFlow loaded already."""
    parent = os.getpid()
    pid = os.fork()
    if pid != 0:
        return pid
    status = 1
    try:
        os.close(0)
        serve(cluster, job, task, parent)
        status = 0
    except Exception as error:
        tell(job=job, task=task, error=str(error))
    finally:
        os._exit(status)


def main():
    cluster = json.loads(sys.argv[1])
    # Ended children are forgotten.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    pids = [start(cluster, job, task) for job, tasks in cluster.items() for task in range(len(tasks))]
    for line in sys.stdin:
        command, job, task = line.split()
        if command == 'start':
            pids.append(start(cluster, job, int(task)))
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


main()
