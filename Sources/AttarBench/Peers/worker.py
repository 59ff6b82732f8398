"""A peer's side of `attar bench`: answers requests, one JSON object a line, until its input ends.

A peer's script defines functions and hands them over: serve(load=..., prepare=...). Each takes the request's other
keys as arguments and returns a dictionary. What `prepare` wants measured it registers with case(name, work).
"""
import gc
import json
import os
import sys
import time

_cases = {}


def case(name, work, clock=time.perf_counter):
    """Registers a function without arguments as the work of a case, and the clock that times it."""
    _cases[name] = work, clock


def run(case, repetitions):
    """Does a case's work so many times; the seconds of each."""
    work, clock = _cases[case]
    seconds = []
    gc.collect()
    gc.disable()
    for _ in range(repetitions):
        start = clock()
        work()
        seconds.append(clock() - start)
    gc.enable()
    return {"seconds": seconds}


def serve(**operations):
    """Answers requests. Whatever libraries print goes to the standard error, so that answers stay clean."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    operations["run"] = run
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = operations[request.pop("op")](**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
