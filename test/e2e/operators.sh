#!/usr/bin/env bash
# What operators do with curl, through every state of a rollout and every
# operation in it, the refused ones too. Usage: operators.sh URL
#
# The server has 20 sentinels that take a second and a half to converge;
# snt_000001 never does on a new image, until its deploy times out.
set -euo pipefail

URL=$1
TOKEN=any
ROLLOUTS="$URL/hydra.v1.SentinelRolloutService/singleton"
SENTINELS="$URL/hydra.v1.SentinelService"
checks=0

post() { # post URL BODY [CURL ARGUMENTS]: sets `status` and `body`
  local url=$1 data=$2
  shift 2
  body=$(curl -sS -X POST "$url" -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d "$data" \
    -w '\n%{http_code}' "$@")
  status=${body##*$'\n'}
  body=${body%$'\n'*}
}

expect() { # expect STATUS TEXT: the last answer, spaces left out
  checks=$((checks + 1))
  local compact=${body// /} wanted=${2// /}
  if [[ $status != "$1" || $compact != *"$wanted"* ]]; then
    echo "line ${BASH_LINENO[0]}: expected $1 with $2, got $status: $body" >&2
    exit 1
  fi
}

refused() { # refused OPERATION TEXT: with a body that would be fine, called and sent
  local data='{}'
  [[ $1 == Rollout ]] && data='{"image": "ghcr.io/acme/sentinel:v9"}'
  post "$ROLLOUTS/$1" "$data"
  expect 409 "$2"
  post "$ROLLOUTS/$1/send" "$data"
  expect 409 "$2"
}

sent() { # sent OPERATION BODY: sets `invocation`
  post "$ROLLOUTS/$1/send" "$2"
  expect 202 '"status":"Accepted"'
  invocation=$(sed -n 's/.*"invocationId": *"\([^"]*\)".*/\1/p' <<<"$body")
}

attached() { # attached STATUS TEXT: waits for the end of the invocation sent last
  body=$(curl -sS "$URL/restate/invocation/$invocation/attach" -w '\n%{http_code}')
  status=${body##*$'\n'}
  body=${body%$'\n'*}
  expect "$1" "$2"
}

# Idle.
refused Resume 'no paused rollout to resume'
refused Cancel 'no active rollout'
refused RollbackAll 'no active rollout'

# Input that is no good changes nothing.
post "$ROLLOUTS/Rollout" '{}';                                         expect 400 'image is required'
post "$ROLLOUTS/Rollout" '{"image": "not an image"}';                  expect 400 '"source":"invocation"'
post "$ROLLOUTS/Rollout" '{"image": "a:b", "wave_percentages": [50]}'; expect 400 '100'
post "$ROLLOUTS/Rollout" '{"image": "a:b", "slack_webhook_url": "ftp://x"}'; expect 400 'slack_webhook_url'
post "$ROLLOUTS/Rollout" '{"image": "a:b", "colour": "red"}';          expect 400 'colour'
post "$ROLLOUTS/Rollout/send" '{bad';                                  expect 400 'source'
post "${ROLLOUTS/singleton/production}/Rollout" '{"image": "a:b"}';    expect 400 'singleton'
post "$ROLLOUTS/Rolout" '{}';                                          expect 404 "'Rolout' was not found"
post "$SENTINELS/snt_999999/Deploy" '{"image": "a:b"}';                expect 404 'snt_999999'
post "$SENTINELS/snt_000002/Deploy" '{"image": "a:b", "sentinel_id": "snt_000003"}'; expect 400 'snt_000003'
refused Cancel 'no active rollout'

# In progress: the first wave waits for snt_000001.
sent Rollout '{"image": "ghcr.io/acme/sentinel:v1", "wavePercentages": [50, 100]}'
refused Rollout 'rollout already active in state IN_PROGRESS'
refused Resume 'no paused rollout to resume'
refused RollbackAll 'cannot rollback in state IN_PROGRESS, must be paused or cancelled'
post "$ROLLOUTS/Cancel" '{}'; expect 200 '{}'
attached 200 '"state":"SENTINEL_ROLLOUT_STATE_CANCELLED"'

# Cancelled, with ten deploys still in flight: rolling back waits for each.
refused Cancel 'cannot cancel rollout in state CANCELLED'
refused Resume 'no paused rollout to resume'
sent RollbackAll '{}'
refused Rollout 'rollout already active in state ROLLING_BACK'
refused Resume 'no paused rollout to resume'
refused Cancel 'cannot cancel rollout in state ROLLING_BACK'
refused RollbackAll 'cannot rollback in state ROLLING_BACK'
attached 200 '{"reverted":9}'
post "$ROLLOUTS/RollbackAll" '{}'; expect 200 '{}'

# Paused, then on with the next wave.
post "$ROLLOUTS/Rollout" '{"image": "ghcr.io/acme/sentinel:v2", "wave_percentages": ["50", 100]}' -H 'idempotency-key: v2'
expect 200 '"state":"SENTINEL_ROLLOUT_STATE_PAUSED"'
first=$body
post "$ROLLOUTS/Rollout" '{"image": "ghcr.io/acme/sentinel:v2", "wave_percentages": ["50", 100]}' -H 'idempotency-key: v2'
expect 200 "$first"
refused Rollout 'rollout already active in state PAUSED'
post "$ROLLOUTS/Resume" '{"rollout_id": "rol_other"}'; expect 409 'rol_other'
post "$ROLLOUTS/Resume" '{}'; expect 200 '"state":"SENTINEL_ROLLOUT_STATE_COMPLETED"'

# Completed.
refused Resume 'no paused rollout to resume'
refused Cancel 'cannot cancel rollout in state COMPLETED'
refused RollbackAll 'cannot rollback in state COMPLETED'

# The one that failed on the image is all that is left; cancelled while paused.
post "$ROLLOUTS/Rollout" '{"image": "ghcr.io/acme/sentinel:v2"}'; expect 200 '"state":"SENTINEL_ROLLOUT_STATE_PAUSED"'
post "$ROLLOUTS/Cancel" '{}'; expect 200 '{}'

# Rolled back while paused.
post "$ROLLOUTS/Rollout" '{"image": "ghcr.io/acme/sentinel:v3", "wave_percentages": [50, 100]}'
expect 200 '"state":"SENTINEL_ROLLOUT_STATE_PAUSED"'
post "$ROLLOUTS/RollbackAll" '{}'; expect 200 '{"reverted":9}'

# One sentinel by itself.
post "$SENTINELS/snt_000002/Deploy" '{"image": "ghcr.io/acme/sentinel:v4"}'
expect 200 '"status":"SENTINEL_DEPLOY_STATUS_READY"'
post "$SENTINELS/snt_000002/NotifyReady" '{}'; expect 200 '{}'

# All are on the image.
post "$SENTINELS/snt_000001/Deploy" '{"image": "ghcr.io/acme/sentinel:v4"}'
expect 200 '"status":"SENTINEL_DEPLOY_STATUS_FAILED"'

echo "$checks checks passed"
