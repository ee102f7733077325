/**
 * How long an agent may be silent and still counts as connected, as an interval
 * in SQL. One that is well shows itself every ten seconds or so.
 */
export const LONGEST_SILENCE = "interval '1 minute'";
