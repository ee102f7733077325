/** How large the fleet of the demo is. */
export const DEMO_SENTINELS = 40;
/** The one that fails: it is in the third wave. */
export const DEMO_FAILING = "snt_000014";

export const DEMO_IMAGE = "ghcr.io/acme/sentinel:v2.0.0";
export const DEMO_WAVES = [5, 25, 50, 100];
