import type { Message } from "@bufbuild/protobuf";
import type { ConnectError, Interceptor, StreamResponse } from "@connectrpc/connect";
import type { Logger } from "pino";
import { callKey } from "./call.ts";
import { toldError } from "./told-error.ts";

/** Turns everything that is thrown into what the caller may know, and logs what the caller may not. */
export function errorInterceptor(log: Logger): Interceptor {
  return (next) => async (request) => {
    const failed = {
      method: `${request.method.parent.typeName}/${request.method.name}`,
      requestId: request.contextValues.get(callKey)?.requestId,
    };
    const told = (thrown: unknown) => toldError(thrown, log, failed);
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: withErrors(response.message, told) } : response;
    } catch (thrown) {
      throw told(thrown);
    }
  };
}

async function* withErrors(
  messages: StreamResponse["message"],
  told: (thrown: unknown) => ConnectError,
): AsyncGenerator<Message> {
  try {
    yield* messages;
  } catch (thrown) {
    throw told(thrown);
  }
}

/**
 * Ends streams, what a client sends as what it is sent, the moment their call is
 * aborted, whatever their implementation waits for, with the reason as the client's error.
 */
export const abortableStreams: Interceptor = (next) => async (request) => {
  const { signal } = request;
  const response = await next(
    request.stream ? { ...request, message: untilAborted(request.message, signal) } : request,
  );
  return response.stream ? { ...response, message: untilAborted(response.message, signal) } : response;
};

/**
 * A message may come slowly: its caller is judged again once it is there, before
 * anything is done. What lasts longer is ended by the front.
 */
export const stillLetIn: Interceptor = (next) => (request) => {
  const refusal = request.contextValues.get(callKey)?.refusalNow();
  if (refusal) throw refusal;
  return next(request);
};

async function* untilAborted(messages: StreamResponse["message"], signal: AbortSignal): AsyncGenerator<Message> {
  const iterator = messages[Symbol.asyncIterator]();
  let onAbort = () => {};
  const listener = () => onAbort();
  signal.addEventListener("abort", listener);
  // A promise of its own for each message: one for all of them would keep every message until the stream ends.
  const nextOrAborted = () =>
    new Promise<IteratorResult<Message>>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      if (signal.aborted) onAbort();
      iterator.next().then(resolve, reject);
    });
  try {
    for (;;) {
      const next = await nextOrAborted();
      if (next.done) break;
      yield next.value;
    }
    // An implementation that ends its stream because it was told to does not say why.
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", listener);
    void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
