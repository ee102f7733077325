import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

/**
 * Gives questions up that are not answered in time: a server that hangs still takes connections, and its caller would
 * wait for ever. Operations may take hours and are let be. The error is Unavailable.
 */
export function answeredWithin(deadlineMs: number): Interceptor {
  return (next) => async (request) => {
    const asks = request.method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    if (request.stream || !asks) return next(request);
    const deadline = AbortSignal.timeout(deadlineMs);
    try {
      return await next({ ...request, signal: AbortSignal.any([request.signal, deadline]) });
    } catch (error) {
      if (!deadline.aborted || request.signal.aborted) throw error;
      throw new ConnectError(`no answer within ${deadlineMs / 1_000} s`, Code.Unavailable);
    }
  };
}
