"""Rolls an image out, prints its waves and what fails in them, and exits as the rollout ends."""

import argparse
import os
import queue
import sys
import threading
import time
import uuid
from urllib.parse import urlsplit

import grpc

from hydra.v1 import sentinel_rollout_pb2 as pb
from hydra.v1.sentinel_rollout_pb2_grpc import SentinelRolloutServiceStub

EXIT_REFUSED, EXIT_CONNECTION = 1, 5

# Where a rollout comes to rest, and what the program exits with then.
EXIT_CODES = {
    pb.SENTINEL_ROLLOUT_STATE_COMPLETED: 0,
    pb.SENTINEL_ROLLOUT_STATE_PAUSED: 3,
    pb.SENTINEL_ROLLOUT_STATE_CANCELLED: 4,
}

RETRY_PAUSE = 0.2
PATIENCE = 30  # Seconds that a server which has been heard may be away.


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--url", default=os.environ.get("HYDRA_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--key", default=str(uuid.uuid4()), help="idempotency key: the same one again starts no second")
    args = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    token = os.environ.get("HYDRA_TOKEN")
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with connect(args.url) as channel:
        try:
            return roll_out(SentinelRolloutServiceStub(channel), args.image, args.key, metadata)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                print(f"no server answers at {args.url}: {error.details()}", file=sys.stderr)
                return EXIT_CONNECTION
            print(f"refused: {error.code().name.lower()}: {error.details()}", file=sys.stderr)
            return EXIT_REFUSED


def connect(url: str) -> grpc.Channel:
    parts = urlsplit(url)
    options = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 2000)]
    if parts.scheme == "https":
        target = f"{parts.hostname}:{parts.port or 443}"
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(), options)
    return grpc.insecure_channel(f"{parts.hostname}:{parts.port or 80}", options)


def roll_out(stub: SentinelRolloutServiceStub, image: str, key: str, metadata: list) -> int:
    """Starts a rollout, prints what happens until it has come to rest, and returns the exit code of that."""
    heard: queue.Queue = queue.Queue()
    run_in_background(heard, watch, stub, metadata)
    rollout_id, states, started = "", {}, False
    while states.get(rollout_id) not in EXIT_CODES:
        message = heard.get()
        if isinstance(message, Exception):
            raise message
        if isinstance(message, pb.Rollout):
            rollout_id = message.id
            # The key may be that of an earlier rollout, of which the watch does not tell.
            if rollout_id not in states:
                show_rollout(message, states)
            continue
        show(message, states)
        # Not before the watch has begun, so that the watch misses nothing.
        if not started:
            run_in_background(heard, start, stub, image, key, metadata)
            started = True
    return EXIT_CODES[states[rollout_id]]


def run_in_background(heard: queue.Queue, generator, *args) -> None:
    """Puts all that a generator yields into the queue, and the error that ends it."""

    def run() -> None:
        try:
            for message in generator(*args):
                heard.put(message)
        except Exception as error:
            heard.put(error)

    threading.Thread(target=run, daemon=True).start()


def start(stub: SentinelRolloutServiceStub, image: str, key: str, metadata: list):
    """Yields the rollout once it has come to rest. The key makes it safe to call again after a lost connection:
    the answer is the first call's."""
    request = pb.SentinelRolloutServiceRolloutRequest(image=image)
    while True:
        try:
            answer = stub.Rollout(request, metadata=[*metadata, ("idempotency-key", key)])
            yield stub.GetRollout(pb.GetRolloutRequest(rollout_id=answer.rollout_id), metadata=metadata).rollout
            return
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
        time.sleep(RETRY_PAUSE)


def watch(stub: SentinelRolloutServiceStub, metadata: list):
    """Yields everything that happens, across lost connections: none missing, none twice."""
    after = None  # Not set: begin with a snapshot.
    epoch = None
    heard_at = float("-inf")
    while True:
        try:
            for message in stub.Watch(pb.WatchRequest(after_sequence=after, epoch=epoch), metadata=metadata):
                heard_at = time.monotonic()
                kind = message.WhichOneof("message")
                if kind in ("snapshot", "event"):
                    after = getattr(message, kind).sequence
                if message.HasField("epoch"):
                    epoch = message.epoch
                yield message
        except grpc.RpcError as error:
            if time.monotonic() - heard_at > PATIENCE:
                raise
        time.sleep(RETRY_PAUSE)


def show(message: pb.WatchResponse, states: dict) -> None:
    """Prints what a message tells, and notes the state of the rollout that it tells of."""
    if message.snapshot.rollout.id:
        show_rollout(message.snapshot.rollout, states)
    event = message.event
    if not event.rollout_id:
        return
    states[event.rollout_id] = event.state
    wave = event.wave_index + 1
    match pb.RolloutEventType.Name(event.type).removeprefix("ROLLOUT_EVENT_TYPE_"):
        case "WAVE_STARTED":
            line = f"wave {wave} started: {event.wave_size} to deploy"
        case "WAVE_COMPLETED":
            line = f"wave {wave} completed: {event.wave_ready} ready, {event.wave_failed} failed"
        case "SENTINEL_FAILED":
            line = f"{event.sentinel_id} failed: {event.reason}"
        case "ROLLOUT_STARTED" | "ROLLOUT_PAUSED" | "ROLLOUT_RESUMED" | "ROLLOUT_CANCELLED" | "ROLLOUT_COMPLETED":
            line = f"rollout {event.rollout_id} of {event.image} is {word(event.state)}"
        case _:
            return
    print(line)


def show_rollout(rollout: pb.Rollout, states: dict) -> None:
    """Prints how a rollout stands, and notes its state."""
    states[rollout.id] = rollout.state
    counts = f"{rollout.ready} of {rollout.total} ready, {rollout.failed} failed"
    print(f"rollout {rollout.id} is {word(rollout.state)}: {counts}")


def word(state: int) -> str:
    """A state as people write it: `in progress`."""
    return pb.SentinelRolloutState.Name(state).removeprefix("SENTINEL_ROLLOUT_STATE_").lower().replace("_", " ")


if __name__ == "__main__":
    sys.exit(main())
