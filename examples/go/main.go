// hydra-rollout rolls an image out, prints its waves and what fails in them, and exits as the rollout ends.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"net/http"
	"os"

	hydrav1 "example.com/hydra-rollout/gen/hydra/v1"
	"example.com/hydra-rollout/gen/hydra/v1/hydrav1connect"
)

//go:generate npx buf generate

const (
	exitRefused    = 1
	exitUsage      = 2
	exitConnection = 5
)

// Where a rollout comes to rest, and what the program exits with then.
var exitCodes = map[hydrav1.SentinelRolloutState]int{
	hydrav1.SentinelRolloutState_SENTINEL_ROLLOUT_STATE_COMPLETED: 0,
	hydrav1.SentinelRolloutState_SENTINEL_ROLLOUT_STATE_PAUSED:    3,
	hydrav1.SentinelRolloutState_SENTINEL_ROLLOUT_STATE_CANCELLED: 4,
}

func main() {
	url := flag.String("url", cmp.Or(os.Getenv("HYDRA_URL"), "http://127.0.0.1:8080"), "where the server is")
	key := flag.String("key", rand.Text(), "idempotency key: the same one again starts no second rollout")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: hydra-rollout [-url URL] [-key KEY] IMAGE")
		os.Exit(exitUsage)
	}
	httpClient := &http.Client{Transport: bearer(os.Getenv("HYDRA_TOKEN"))}
	client := hydrav1connect.NewSentinelRolloutServiceClient(httpClient, *url)
	state, err := rollOut(context.Background(), client, flag.Arg(0), *key)
	switch {
	case err == nil:
		os.Exit(exitCodes[state])
	case isRefusal(err):
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(exitRefused)
	default:
		fmt.Fprintf(os.Stderr, "no server answers at %s: %v\n", *url, err)
		os.Exit(exitConnection)
	}
}

// bearer is a transport that sends a token with every request, if there is one.
type bearer string

func (token bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	if token != "" {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", "Bearer "+string(token))
	}
	return http.DefaultTransport.RoundTrip(request)
}
