package main

import (
	"fmt"
	"strings"

	hydrav1 "example.com/hydra-rollout/gen/hydra/v1"
)

// show prints what a message tells, and notes the state of the rollout that it tells of.
func show(message *hydrav1.WatchResponse, states map[string]hydrav1.SentinelRolloutState) {
	if rollout := message.GetSnapshot().GetRollout(); rollout.GetId() != "" {
		showRollout(rollout, states)
	}
	event := message.GetEvent()
	if event == nil {
		return
	}
	states[event.RolloutId] = event.State
	wave := event.GetWaveIndex() + 1
	switch event.Type {
	case hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_WAVE_STARTED:
		fmt.Printf("wave %d started: %d to deploy\n", wave, event.GetWaveSize())
	case hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_WAVE_COMPLETED:
		fmt.Printf("wave %d completed: %d ready, %d failed\n", wave, event.GetWaveReady(), event.GetWaveFailed())
	case hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_SENTINEL_FAILED:
		fmt.Printf("%s failed: %s\n", event.SentinelId, event.Reason)
	case hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_ROLLOUT_STARTED,
		hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_ROLLOUT_PAUSED,
		hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_ROLLOUT_RESUMED,
		hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_ROLLOUT_CANCELLED,
		hydrav1.RolloutEventType_ROLLOUT_EVENT_TYPE_ROLLOUT_COMPLETED:
		fmt.Printf("rollout %s of %s is %s\n", event.RolloutId, event.Image, word(event.State))
	}
}

// showRollout prints how a rollout stands, and notes its state.
func showRollout(rollout *hydrav1.Rollout, states map[string]hydrav1.SentinelRolloutState) {
	states[rollout.Id] = rollout.State
	fmt.Printf("rollout %s is %s: %d of %d ready, %d failed\n",
		rollout.Id, word(rollout.State), rollout.Ready, rollout.Total, rollout.Failed)
}

// word is a state as people write it: `in progress`.
func word(state hydrav1.SentinelRolloutState) string {
	name := strings.TrimPrefix(state.String(), "SENTINEL_ROLLOUT_STATE_")
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}
