-- Up Migration

create table tokens (
  id text collate "C" primary key,
  name text collate "C" not null unique,
  role text not null check (role in ('viewer', 'operator', 'agent', 'admin')),
  region_id text collate "C" not null default '',
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  constraint tokens_agent_region check ((role = 'agent') = (region_id <> ''))
);
comment on table tokens is 'Who may call. No row: whoever is on the machine of a server that listens on loopback only, or is told to be open.';
comment on column tokens.id is 'The part of the token''s text by which it is found; no secret.';
comment on column tokens.region_id is 'The one region that an agent speaks for; empty with other roles.';
comment on column tokens.secret_hash is 'SHA-256 of the rest of the text, which is not stored: 256 random bits, so there is nothing to guess that a slower hash would protect.';
comment on column tokens.expires_at is 'Refused from then on; the row stays, so that an expiry never opens a server. Unset: does not expire.';
comment on column tokens.last_used_at is 'To the minute.';

-- One row. Whatever creates or revokes tokens locks it first (prelude), so the
-- rules about the first and the last admin are judged one at a time.
create table token_changes (
  singleton boolean primary key default true check (singleton),
  version bigint not null default 0
);
comment on table token_changes is 'Moves with every token that is created or revoked: servers read the tokens again when it has.';
insert into token_changes default values;

comment on column rollouts.actor is 'Name of the token of whoever started it; anonymous: none was needed; empty: the server itself, or a version that did not say.';
