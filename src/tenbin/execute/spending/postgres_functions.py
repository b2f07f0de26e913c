"""5. What a PostgreSQL does with spending: three tables, and a function for each thing that is done in one step.

Whatever a function changes, it first locks the windows concerned, in the order of their names, and then the
reservation: so no two can wait for each other.
"""

TOMBSTONE_MS = 600_000
"""How long a settled reservation is remembered, so that nothing that comes late counts it again."""

SHAPE = """
create table if not exists {name}_windows (
    counter text not null,
    starts_at_ms bigint not null,
    ends_at_ms bigint not null,
    spent bigint not null default 0,
    reserved bigint not null default 0,
    owners text[] not null default array[]::text[],
    primary key (counter, starts_at_ms)
) with (fillfactor = 50);
create table if not exists {name}_reservations (
    id text primary key,
    owner text not null,
    state text not null,
    worst bigint not null,
    deadline_ms bigint not null,
    until_ms bigint not null,
    counters text[] not null,
    starts bigint[] not null
) with (fillfactor = 70);
create index if not exists {name}_open on {name}_reservations (deadline_ms) where state = 'held';
create index if not exists {name}_over on {name}_reservations (until_ms);

create or replace function {name}_sums(the_counters text[], the_starts bigint[], now_ms bigint)
returns table (counter text, starts_at_ms bigint, spent bigint, reserved bigint, late bigint, owners text[])
language sql stable as $$
    select asked.counter, asked.starts_at_ms, coalesce(known.spent, 0), coalesce(known.reserved, 0),
        -- What nobody has settled in time counts as spent.
        coalesce((
            select sum(overdue.worst)::bigint from {name}_reservations overdue, unnest(overdue.counters, overdue.starts)
                as held (counter, starts_at_ms)
            where overdue.state = 'held' and overdue.deadline_ms < now_ms
                and held.counter = asked.counter and held.starts_at_ms = asked.starts_at_ms
        ), 0), coalesce(known.owners, array[]::text[])
    from unnest(the_counters, the_starts) with ordinality as asked (counter, starts_at_ms, place)
    left join {name}_windows known using (counter, starts_at_ms)
    order by asked.place
$$;

create or replace function {name}_lock(the_counters text[], the_starts bigint[]) returns void
language plpgsql as $$
begin
    perform 1 from {name}_windows
    where (counter, starts_at_ms) in (select * from unnest(the_counters, the_starts))
    order by counter collate "C", starts_at_ms for update;
end $$;

create or replace function {name}_mark(
    the_owner text, the_counters text[], the_starts bigint[], the_ends bigint[], the_seeds bigint[]
) returns void
language plpgsql as $$
begin
    insert into {name}_windows (counter, starts_at_ms, ends_at_ms)
    select counter, starts_at_ms, ends_at_ms
    from unnest(the_counters, the_starts, the_ends) as asked (counter, starts_at_ms, ends_at_ms)
    order by counter collate "C", starts_at_ms
    on conflict do nothing;
    perform {name}_lock(the_counters, the_starts);
    update {name}_windows known set spent = known.spent + asked.seed, owners = known.owners || the_owner
    from unnest(the_counters, the_starts, the_seeds) as asked (counter, starts_at_ms, seed)
    where known.counter = asked.counter and known.starts_at_ms = asked.starts_at_ms
        and asked.seed is not null and not the_owner = any (known.owners);
end $$;

create or replace function {name}_hold(
    the_id text, the_owner text, the_worst bigint, the_deadline_ms bigint, the_until_ms bigint,
    the_counters text[], the_starts bigint[]
) returns text
language plpgsql as $$
declare known text;
begin
    insert into {name}_reservations
    values (the_id, the_owner, 'held', the_worst, the_deadline_ms, the_until_ms, the_counters, the_starts)
    on conflict do nothing;
    if not found then
        select state into known from {name}_reservations where id = the_id;
        return known;
    end if;
    update {name}_windows set reserved = reserved + the_worst
    where (counter, starts_at_ms) in (select * from unnest(the_counters, the_starts));
    return 'new';
end $$;

create or replace function {name}_reserve(
    the_owner text, now_ms bigint, the_id text, the_worst bigint, the_deadline_ms bigint, the_until_ms bigint,
    the_counters text[], the_starts bigint[], the_ends bigint[], the_limits bigint[], the_seeds bigint[]
) returns table (status text, spent bigint, reserved bigint)
language plpgsql as $$
declare
    here record;
    known text;
    told text := 'granted';
    marked integer := 0;
    full_ones integer := 0;
begin
    -- A look first: many calls that find no room take no locks, and write nothing.
    return query
    with seen as materialized (select * from {name}_sums(the_counters, the_starts, now_ms))
    select 'denied', seen.spent + seen.late, seen.reserved - seen.late from seen
    where exists (
        select from unnest(the_counters, the_starts, the_limits) as asked (counter, starts_at_ms, most)
        join seen full_one using (counter, starts_at_ms)
        where full_one.spent + full_one.reserved + the_worst > asked.most
    )
    and not exists (select from seen strange where not the_owner = any (strange.owners))
    and not exists (select from {name}_reservations where id = the_id);
    if found then
        return;
    end if;
    -- (A seed that is given is for a window on which the owner's mark need not stand yet.)
    if array_remove(the_seeds, null) <> '{{}}' then
        perform {name}_mark(the_owner, the_counters, the_starts, the_ends, the_seeds);
    end if;
    for here in
        select held.spent + held.reserved + the_worst > asked.most as is_full, the_owner = any (held.owners) as has_mark
        from unnest(the_counters, the_starts, the_limits) as asked (counter, starts_at_ms, most)
        join {name}_windows held using (counter, starts_at_ms)
        order by held.counter collate "C", held.starts_at_ms for update of held
    loop
        marked := marked + here.has_mark::integer;
        full_ones := full_ones + coalesce(here.is_full, false)::integer;
    end loop;
    if marked < cardinality(the_counters) then
        return query select 'lost', 0::bigint, 0::bigint;
        return;
    end if;
    if full_ones = 0 then
        known := {name}_hold(the_id, the_owner, the_worst, the_deadline_ms, the_until_ms, the_counters, the_starts);
    else
        select state into known from {name}_reservations where id = the_id;
        if known is null then
            told := 'denied';
        end if;
    end if;
    if known in ('ended', 'cancelled') then
        told := 'ended';
    end if;
    return query select told, sums.spent + sums.late, sums.reserved - sums.late
    from {name}_sums(the_counters, the_starts, now_ms) sums;
end $$;

create or replace function {name}_settle(
    now_ms bigint, the_ids text[], the_kinds text[], the_costs bigint[],
    charge_ids text[], charge_counters text[], charge_starts bigint[]
) returns void
language plpgsql as $$
declare
    one record;
    was {name}_reservations;
    all_counters text[] := charge_counters;
    all_starts bigint[] := charge_starts;
begin
    for was in select * from {name}_reservations where id = any (the_ids) loop
        all_counters := all_counters || was.counters;
        all_starts := all_starts || was.starts;
    end loop;
    perform {name}_lock(all_counters, all_starts);
    for one in
        select * from unnest(the_ids, the_kinds, the_costs) as told (id, kind, cost) order by id collate "C"
    loop
        select * into was from {name}_reservations where id = one.id for update;
        if not found and one.kind <> 'settle' then
            insert into {name}_reservations
            values (one.id, '', 'cancelled', 0, 0, now_ms + {tombstone}, '{{}}', '{{}}') on conflict do nothing;
            if not found then -- it came this very moment: once more, later
                raise exception 'a reservation came while it was cancelled' using errcode = '40001';
            end if;
            was.state := 'new';
        end if;
        if was.state = 'held' then
            update {name}_windows set spent = spent + one.cost, reserved = reserved - was.worst
            where (counter, starts_at_ms) in (select * from unnest(was.counters, was.starts));
        elsif one.kind = 'charge' and was.state in ('cancelled', 'new') then
            update {name}_windows here set spent = here.spent + one.cost
            from unnest(charge_ids, charge_counters, charge_starts) as asked (id, counter, starts_at_ms)
            where asked.id = one.id and here.counter = asked.counter and here.starts_at_ms = asked.starts_at_ms;
        else
            continue;
        end if;
        update {name}_reservations
        set state = case one.kind when 'cancel' then 'cancelled' else 'ended' end, until_ms = now_ms + {tombstone}
        where id = one.id;
    end loop;
end $$;
"""

RESERVE = "select * from {name}_reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
LOOK = "select spent + late, reserved - late, $4 = any (owners) from {name}_sums($1, $2, $3)"
SETTLE = "select {name}_settle($1, $2, $3, $4, $5, $6, $7)"
MARK = "select {name}_mark($1, $2, $3, $4, $5)"
HOLD = "select {name}_hold($1, $2, $3, $4, $5, $6, $7)"
LEFT_OPEN = """
select id, worst, deadline_ms, counters, starts, until_ms from {name}_reservations where owner = $1 and state = 'held'
"""
MARKS = "select counter, starts_at_ms from {name}_windows where $1 = any (owners) and ends_at_ms > $2"
LET_GO = (
    """
    delete from {name}_windows where (counter, starts_at_ms) in (
        select counter, starts_at_ms from {name}_windows where ends_at_ms < $1 limit 1000 for update skip locked
    )
    """,
    """
    delete from {name}_reservations where id in (
        select id from {name}_reservations where until_ms < $1 limit 5000 for update skip locked
    )
    """,
)
