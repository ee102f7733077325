package main

import (
	"context"
	"time"

	"connectrpc.com/connect"
	hydrav1 "example.com/hydra-rollout/gen/hydra/v1"
	"example.com/hydra-rollout/gen/hydra/v1/hydrav1connect"
)

const (
	retryPause = 200 * time.Millisecond
	// How long a server that has been heard may be away.
	patience = 30 * time.Second
)

// rollOut starts a rollout and prints what happens until it has come to rest, in the state returned.
func rollOut(
	ctx context.Context, client hydrav1connect.SentinelRolloutServiceClient, image, key string,
) (hydrav1.SentinelRolloutState, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	messages := make(chan *hydrav1.WatchResponse)
	go func() { cancel(watch(ctx, client, messages)) }()

	// Called only once the watch has begun, so that the watch misses nothing.
	var answers chan *hydrav1.Rollout
	call := func() {
		if rollout, err := start(ctx, client, image, key); err != nil {
			cancel(err)
		} else {
			answers <- rollout
		}
	}

	ours := ""
	states := map[string]hydrav1.SentinelRolloutState{}
	for {
		select {
		case message := <-messages:
			show(message, states)
			if answers == nil {
				answers = make(chan *hydrav1.Rollout, 1)
				go call()
			}
		case rollout := <-answers:
			ours = rollout.Id
			// The key may be that of an earlier rollout, of which the watch does not tell.
			if _, told := states[ours]; !told {
				showRollout(rollout, states)
			}
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
		if _, atRest := exitCodes[states[ours]]; atRest {
			return states[ours], nil
		}
	}
}

// start returns the rollout once it has come to rest, across lost connections.
func start(
	ctx context.Context, client hydrav1connect.SentinelRolloutServiceClient, image, key string,
) (*hydrav1.Rollout, error) {
	for {
		rollout, err := callRollout(ctx, client, image, key)
		if err == nil || isRefusal(err) || ctx.Err() != nil {
			return rollout, err
		}
		time.Sleep(retryPause)
	}
}

// callRollout returns the rollout as it is now. The key makes it safe to call again after a lost connection: the
// answer is the first call's.
func callRollout(
	ctx context.Context, client hydrav1connect.SentinelRolloutServiceClient, image, key string,
) (*hydrav1.Rollout, error) {
	request := connect.NewRequest(&hydrav1.SentinelRolloutServiceRolloutRequest{Image: image})
	request.Header().Set("Idempotency-Key", key)
	answer, err := client.Rollout(ctx, request)
	if err != nil {
		return nil, err
	}
	current, err := client.GetRollout(ctx, connect.NewRequest(&hydrav1.GetRolloutRequest{RolloutId: answer.Msg.RolloutId}))
	if err != nil {
		return nil, err
	}
	return current.Msg.Rollout, nil
}

// watch sends everything that happens, across lost connections: none missing, none twice.
func watch(
	ctx context.Context, client hydrav1connect.SentinelRolloutServiceClient, messages chan<- *hydrav1.WatchResponse,
) error {
	var after *int64 // Unset: begin with a snapshot.
	var epoch *string
	var heard time.Time
	for {
		stream, err := client.Watch(ctx, connect.NewRequest(&hydrav1.WatchRequest{AfterSequence: after, Epoch: epoch}))
		if err == nil {
			for stream.Receive() {
				heard = time.Now()
				message := stream.Msg()
				if sequence := sequenceOf(message); sequence != nil {
					after = sequence
				}
				if message.Epoch != nil {
					epoch = message.Epoch
				}
				select {
				case messages <- message:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			err = stream.Err()
			stream.Close()
		}
		if time.Since(heard) > patience {
			return err
		}
		time.Sleep(retryPause)
	}
}

// isRefusal tells what the server has said from what became of the connection. A server that stops says unavailable.
func isRefusal(err error) bool {
	return connect.IsWireError(err) && connect.CodeOf(err) != connect.CodeUnavailable
}

func sequenceOf(message *hydrav1.WatchResponse) *int64 {
	switch {
	case message.GetEvent() != nil:
		return &message.GetEvent().Sequence
	case message.GetSnapshot() != nil:
		return &message.GetSnapshot().Sequence
	default:
		return nil
	}
}
