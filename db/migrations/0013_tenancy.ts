/**
 * The tree of partners, who may see what of it, and the keys that programs call with.
 *
 * `partner_ancestry` is the closure of the tree, kept by triggers: a partner's row of depth 0 is itself. Row-level security asks it,
 * through `tenant_partners()`, which partners the ones named in `tieline.partners` see: themselves and what is below them. The
 * function is called once per statement (the policies wrap it in a sub-select), not once per row.
 *
 * `cache_epochs` and the channel `tieline_changed` tell other processes what they must not remember any longer (`db/caches.ts`).
 */
import { sql, type Kysely } from 'kysely'

const run = async (db: Kysely<unknown>, statements: string): Promise<void> => {
  await sql.raw(statements).execute(db)
}

const visible = '(select tenant_partners())::text[]'

/** Row-level security of a table with a `partner_id`: its tenant sees its own rows and those of the partners below it. */
export const tenantPolicy = (table: string): string => `
alter table ${table} enable row level security;
create policy tenant on ${table} to tieline_tenant
  using (partner_id = any (${visible})) with check (partner_id = any (${visible}));
grant select, insert, update, delete on ${table} to tieline_tenant;`

/** Of a table with a `connection_id`: who comes with a test key sees only what belongs to connections to the sandbox. */
export const sandboxPolicy = (table: string): string => `
create policy sandbox on ${table} as restrictive to tieline_tenant using (
  (select coalesce(current_setting('tieline.mode', true), '')) <> 'test'
  or ${table === 'connections' ? 'sandbox' : 'connection_id is null or connection_id = any ((select sandbox_connections())::text[])'});`

/** Rows whose change other processes must hear of: topic, and the column that names which (null: all of the topic). */
export const tellsOfChange = (table: string, topic: string, idColumn: string, columns?: string): string => `
create trigger ${table}_changed after insert or delete or update${columns === undefined ? '' : ` of ${columns}`} on ${table}
  for each row execute function tell_changed('${topic}', '${idColumn}');`

export async function up(db: Kysely<unknown>): Promise<void> {
  await run(db, tree)
  await run(db, caches)
  await run(db, keys)
  const guarded = await sql<{ name: string }>`
    select c.relname as name from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname = 'tenant'
  `.execute(db)
  for (const { name } of guarded.rows) {
    await run(
      db,
      `alter policy tenant on ${name} using (partner_id = any (${visible})) with check (partner_id = any (${visible}))`,
    )
  }
  await run(db, tenantPolicy('api_keys'))
  await run(db, sandboxes)
  const ofConnections = await sql<{ name: string }>`
    select c.relname as name from pg_policy p join pg_class c on c.oid = p.polrelid
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'connection_id' where p.polname = 'tenant'
  `.execute(db)
  for (const { name } of ofConnections.rows) await run(db, sandboxPolicy(name))
  await run(
    db,
    tellsOfChange(
      'api_keys',
      'api_key',
      'key_id',
      'state, expires_at, scopes, networks, secret_hash, limits',
    ),
  )
  await run(db, tellsOfChange('partners', 'partner', 'partner_id'))
}

const tree = `
alter table partners
  add column parent_id text references partners,
  add column state text not null default 'active' check (state in ('active', 'suspended', 'closed')),
  add column tier text not null default 'standard',
  add column version int not null default 1,
  add column updated_at timestamptz not null default now(),
  add check (parent_id <> partner_id);
create index partners_by_parent on partners (parent_id, partner_id);
alter table accounts
  add column external_id text,
  add column state text not null default 'active' check (state in ('active', 'closed')),
  add column version int not null default 1,
  add column updated_at timestamptz not null default now();
create unique index accounts_by_external_id on accounts (partner_id, external_id) where external_id is not null;

create table partner_ancestry (
  partner_id text not null references partners on delete cascade,
  ancestor_id text not null references partners on delete cascade,
  depth int not null,
  primary key (partner_id, ancestor_id)
);
create index partner_ancestry_below on partner_ancestry (ancestor_id, partner_id);
insert into partner_ancestry select partner_id, partner_id, 0 from partners;

-- Moves are rare and must not cross each other: two that are checked at the same time could make a loop together.
create function grow_partner_tree() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    insert into partner_ancestry values (new.partner_id, new.partner_id, 0);
    insert into partner_ancestry
      select new.partner_id, ancestor_id, depth + 1 from partner_ancestry where partner_id = new.parent_id;
    return null;
  end if;
  perform pg_advisory_xact_lock(7465696, 2);
  if exists (select 1 from partner_ancestry where partner_id = new.parent_id and ancestor_id = new.partner_id) then
    raise exception 'a partner cannot be moved below itself' using errcode = 'check_violation', constraint = 'partners_no_loop';
  end if;
  delete from partner_ancestry a using partner_ancestry below
    where below.ancestor_id = new.partner_id and a.partner_id = below.partner_id
      and a.ancestor_id not in (select partner_id from partner_ancestry where ancestor_id = new.partner_id);
  insert into partner_ancestry
    select below.partner_id, above.ancestor_id, below.depth + above.depth + 1
    from partner_ancestry below, partner_ancestry above
    where below.ancestor_id = new.partner_id and above.partner_id = new.parent_id;
  return null;
end $$;
create trigger partners_tree_grows after insert on partners for each row execute function grow_partner_tree();
create trigger partners_tree_moves after update of parent_id on partners for each row
  when (old.parent_id is distinct from new.parent_id) execute function grow_partner_tree();

create function tenant_partners() returns text[] language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(array_agg(distinct partner_id), '{}') from partner_ancestry
  where ancestor_id = any (string_to_array(current_setting('tieline.partners', true), ','))
$$;
revoke all on function tenant_partners() from public;
grant execute on function tenant_partners() to tieline_tenant;`

const sandboxes = `
alter table connections add column sandbox boolean not null default false;
create function sandbox_connections() returns text[] language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(array_agg(connection_id), '{}') from connections where sandbox and partner_id = any (tenant_partners())
$$;
revoke all on function sandbox_connections() from public;
grant execute on function sandbox_connections() to tieline_tenant;`

const caches = `
create table cache_epochs (
  topic text primary key,
  epoch bigint not null
);
-- The first argument is the topic, the second the column that names what has changed.
create function tell_changed() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
  changed jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
  insert into cache_epochs as e values (tg_argv[0], 1) on conflict (topic) do update set epoch = e.epoch + 1;
  perform pg_notify('tieline_changed', json_build_object('topic', tg_argv[0], 'id', changed ->> tg_argv[1])::text);
  return null;
end $$;`

const keys = `
create table api_keys (
  key_id text primary key,
  partner_id text not null references partners,
  name text not null,
  mode text not null check (mode in ('live', 'test')),
  -- SHA-256 of the whole key, which is random enough not to be guessed from it.
  secret_hash bytea not null,
  -- Its last four characters, to be recognised by.
  hint text not null,
  -- Permissions of model/permissions.ts.
  scopes text[] not null,
  -- CIDR blocks it may be used from; empty: anywhere.
  networks text[] not null default '{}',
  -- Overrides of the tier: {"<limit>": number}.
  limits jsonb not null default '{}',
  state text not null default 'active' check (state in ('active', 'revoked')),
  state_reason text,
  expires_at timestamptz,
  last_used_at timestamptz,
  last_used_from text,
  -- The key that this one has taken over from.
  replaces text references api_keys,
  created_by text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  version int not null default 1
);
create unique index api_keys_by_hash on api_keys (secret_hash);
create index api_keys_by_partner on api_keys (partner_id, key_id);
create index api_keys_by_replaced on api_keys (replaces) where replaces is not null;`

export async function down(db: Kysely<unknown>): Promise<void> {
  await run(
    db,
    'drop table api_keys; drop trigger partners_changed on partners; drop function tell_changed() cascade; drop table cache_epochs',
  )
  const closed = await sql<{ name: string }>`
    select c.relname as name from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname = 'sandbox'
  `.execute(db)
  for (const { name } of closed.rows) await run(db, `drop policy sandbox on ${name}`)
  await run(db, 'drop function sandbox_connections(); alter table connections drop column sandbox')
  const before = `string_to_array(current_setting('tieline.partners', true), ',')`
  const guarded = await sql<{ name: string }>`
    select c.relname as name from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname = 'tenant'
  `.execute(db)
  for (const { name } of guarded.rows) {
    await run(
      db,
      `alter policy tenant on ${name} using (partner_id = any (${before})) with check (partner_id = any (${before}))`,
    )
  }
  await run(
    db,
    `
drop function tenant_partners();
drop trigger partners_tree_grows on partners; drop trigger partners_tree_moves on partners;
drop function grow_partner_tree(); drop table partner_ancestry; drop index accounts_by_external_id;
alter table accounts drop column external_id, drop column state, drop column version, drop column updated_at;
alter table partners drop column parent_id, drop column state, drop column tier, drop column version, drop column updated_at;`,
  )
}
