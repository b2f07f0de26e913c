"""5. What a Redis or Valkey does with spending, each in one step that nothing comes between: in its own language, Lua.

All keys share the hash tag of the marker, so that they lie on one node of a cluster. Behind it:

- the marker itself, a hash: ``generation`` (of the data; another one when they were lost), ``seq`` (changes so far).
- ``:GENERATION:c:STARTS:COUNTER``, a hash, one window: ``own`` (sum of what owners' ledgers knew when they came, each
  with its mark ``o:OWNER``), ``floor`` (what it must at least come to, when data were lost), ``new`` (settled since),
  ``reserved``. Spent is max(own, floor) + new.
- ``:GENERATION:r:ID``, a hash, one reservation: ``state`` (held, overdue, ended, cancelled), ``worst``, ``owner``,
  ``windows`` (packed names).
- ``:GENERATION:m:OWNER``, a sorted set: the windows that hold an owner's mark, by the moment at which they are let go.
- ``:GENERATION:open`` and ``:overdue``, sorted sets of reservations by deadline.

Amounts go in and come out as text, and Redis itself adds them (64 bits): Lua's numbers are exact up to 2**53 only.
Where a script compares them, it does so in two parts.
"""

TOMBSTONE_MS = 600_000
"""How long a settled reservation is remembered, so that nothing that comes late counts it again."""

CHARGED_MS = 86_400_000
"""As TOMBSTONE_MS, for what counts without a reservation."""

_BEGIN = """
local marker, known, seen = KEYS[1], ARGV[1], tonumber(ARGV[2])
local owner, now = ARGV[3], tonumber(ARGV[4])
local generation = redis.call('HGET', marker, 'generation')
local base
local function enter(name) generation = name; base = marker .. ':' .. name .. ':' end
local function window(name) return base .. 'c:' .. name end
local function add(key, field, amount) if amount ~= '0' then redis.call('HINCRBY', key, field, amount) end end
local function take(key, field, amount) if amount ~= '0' then redis.call('HINCRBY', key, field, '-' .. amount) end end
local function changed() return redis.call('HINCRBY', marker, 'seq', 1) end
local function lost()
    if known == '' then return false end
    return generation ~= known or tonumber(redis.call('HGET', marker, 'seq') or 0) < seen
end
if generation then enter(generation) end

local function sweep()
    for _ = 1, 50 do
        local late = redis.call('ZRANGEBYSCORE', base .. 'open', '-inf', '(' .. ARGV[4], 'WITHSCORES', 'LIMIT', 0, 100)
        if #late == 0 then return end
        for i = 1, #late, 2 do
            local id, key = late[i], base .. 'r:' .. late[i]
            redis.call('ZREM', base .. 'open', id)
            local row = redis.call('HMGET', key, 'state', 'worst', 'windows')
            if row[1] == 'held' then
                redis.call('HSET', key, 'state', 'overdue')
                redis.call('ZADD', base .. 'overdue', late[i + 1], id)
                for _, name in ipairs(cmsgpack.unpack(row[3])) do
                    if redis.call('EXISTS', window(name)) == 1 then
                        take(window(name), 'reserved', row[2])
                        add(window(name), 'new', row[2])
                    end
                end
            end
        end
    end
end

local function above(parts, limit)
    -- Is the sum of the parts (texts of digits) above the limit?
    local high, low = 0, 0
    for _, part in ipairs(parts) do
        high = high + (tonumber(string.sub(part, 1, -10)) or 0)
        low = low + tonumber(string.sub(part, -9))
    end
    high = high + math.floor(low / 1e9) - (tonumber(string.sub(limit, 1, -10)) or 0)
    return high > 0 or (high == 0 and low % 1e9 > tonumber(string.sub(limit, -9)))
end
local function look(name)
    local row = redis.call('HMGET', window(name), 'own', 'floor', 'new', 'reserved')
    for i = 1, 4 do row[i] = row[i] or '0' end
    return row
end
local function hold(id, worst, deadline, life, names)
    local key = base .. 'r:' .. id
    redis.call('HSET', key, 'state', 'held', 'worst', worst, 'owner', owner, 'windows', cmsgpack.pack(names))
    redis.call('PEXPIRE', key, life)
    redis.call('ZADD', base .. 'open', deadline, id)
    for _, name in ipairs(names) do add(window(name), 'reserved', worst) end
end
local function mark(name, life, seed)
    add(window(name), 'own', seed)
    redis.call('HSET', window(name), 'o:' .. owner, seed)
    if life ~= '' then redis.call('PEXPIRE', window(name), life) end
    local marks = base .. 'm:' .. owner
    redis.call('ZREMRANGEBYSCORE', marks, '-inf', ARGV[4])
    redis.call('ZADD', marks, life == '' and '+inf' or now + tonumber(life), name)
end
"""

RESERVE = (
    _BEGIN
    + """
-- ARGV from 5: a new generation's name, reservation ('': look only), worst, deadline, its life;
-- then of each window: name, life ('': for ever), limit ('': soft), seed ('': the owner's mark must stand there).
local id, worst = ARGV[6], ARGV[7]
if lost() then return {'lost'} end
local answer = {'granted', ''}
if not generation then
    if id == '' then
        for i = 10, #ARGV, 4 do
            if ARGV[i + 3] == '' then return {'lost'} end
            table.insert(answer, {'0', '0', '0', '0', '0'})
        end
        table.insert(answer, '0')
        return answer
    end
    enter(ARGV[5])
    redis.call('HSET', marker, 'generation', ARGV[5], 'seq', 0)
end
for i = 10, #ARGV, 4 do
    if ARGV[i + 3] == '' and redis.call('HEXISTS', window(ARGV[i]), 'o:' .. owner) == 0 then return {'lost'} end
end
sweep()
answer[2] = generation
if id == '' then
    for i = 10, #ARGV, 4 do
        local row = look(ARGV[i])
        row[5] = tostring(redis.call('HEXISTS', window(ARGV[i]), 'o:' .. owner))
        table.insert(answer, row)
    end
    table.insert(answer, redis.call('HGET', marker, 'seq'))
    return answer
end
local state = redis.call('HGET', base .. 'r:' .. id, 'state')
local names = {}
for i = 10, #ARGV, 4 do
    local name = ARGV[i]
    table.insert(names, name)
    if ARGV[i + 3] ~= '' and redis.call('HEXISTS', window(name), 'o:' .. owner) == 0 then
        mark(name, ARGV[i + 1], ARGV[i + 3])
    end
    if ARGV[i + 2] ~= '' and not state then
        local row = look(name)
        local base_sum = above({row[1]}, row[2]) and row[1] or row[2]
        if above({base_sum, row[3], row[4], worst}, ARGV[i + 2]) then answer[1] = 'denied' end
    end
end
if state == 'ended' or state == 'cancelled' then
    answer[1] = 'ended'
elseif not state and answer[1] == 'granted' then
    hold(id, worst, ARGV[8], ARGV[9], names)
end
for _, name in ipairs(names) do table.insert(answer, look(name)) end
table.insert(answer, changed())
return answer
"""
)

SETTLE = (
    _BEGIN
    + f"""
-- ARGV from 5, of each settlement: reservation, kind, cost, how many windows, their names.
if lost() then return {{'lost'}} end
if not generation then return {{'done', '', '0'}} end
sweep()
local i = 5
while i <= #ARGV do
    local id, kind, cost, count = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    local key = base .. 'r:' .. id
    local row = redis.call('HMGET', key, 'state', 'worst', 'windows')
    local over = kind == 'cancel' and 'cancelled' or 'ended'
    if row[1] == 'held' or row[1] == 'overdue' then
        for _, name in ipairs(cmsgpack.unpack(row[3])) do
            if redis.call('EXISTS', window(name)) == 1 then
                take(window(name), row[1] == 'held' and 'reserved' or 'new', row[2])
                add(window(name), 'new', cost)
            end
        end
        redis.call('ZREM', base .. 'open', id)
        redis.call('ZREM', base .. 'overdue', id)
        redis.call('DEL', key)
        redis.call('HSET', key, 'state', over)
        redis.call('PEXPIRE', key, {TOMBSTONE_MS})
    elseif kind == 'charge' and row[1] ~= 'ended' then
        for j = i + 4, i + 3 + count do
            if redis.call('EXISTS', window(ARGV[j])) == 1 then add(window(ARGV[j]), 'new', cost) end
        end
        redis.call('HSET', key, 'state', 'ended')
        redis.call('PEXPIRE', key, {CHARGED_MS})
    elseif kind == 'cancel' and not row[1] then
        redis.call('HSET', key, 'state', 'cancelled')
        redis.call('PEXPIRE', key, {TOMBSTONE_MS})
    end
    i = i + 4 + count
end
return {{'done', generation, changed()}}
"""
)

RESTORE = (
    _BEGIN
    + """
-- ARGV from 5: a new generation's name, how many windows, of each: name, life, seed, floor;
-- then of each reservation: id, worst, deadline, life, how many windows, their names.
if not generation or generation == known then
    enter(ARGV[5])
    redis.call('HSET', marker, 'generation', generation, 'seq', 0)
end
local i = 7
for _ = 1, tonumber(ARGV[6]) do
    local name, floor = ARGV[i], ARGV[i + 3]
    if redis.call('HEXISTS', window(name), 'o:' .. owner) == 0 then mark(name, ARGV[i + 1], ARGV[i + 2]) end
    if above({floor}, redis.call('HGET', window(name), 'floor') or '0') then
        redis.call('HSET', window(name), 'floor', floor)
    end
    i = i + 4
end
while i <= #ARGV do
    local id, count, names = ARGV[i], tonumber(ARGV[i + 4]), {}
    for j = i + 5, i + 4 + count do table.insert(names, ARGV[j]) end
    if redis.call('EXISTS', base .. 'r:' .. id) == 0 then hold(id, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], names) end
    i = i + 5 + count
end
return {generation, changed()}
"""
)

LEFT_OPEN = (
    _BEGIN
    + """
if not generation then return {} end
sweep()
local left = {}
for _, set in ipairs({'open', 'overdue'}) do
    for _, id in ipairs(redis.call('ZRANGE', base .. set, 0, -1)) do
        local row = redis.call('HMGET', base .. 'r:' .. id, 'owner', 'worst', 'windows')
        if row[1] == owner then
            local one = {id, row[2], redis.call('ZSCORE', base .. set, id)}
            for _, name in ipairs(cmsgpack.unpack(row[3])) do table.insert(one, name) end
            table.insert(left, one)
        end
        if not row[2] then redis.call('ZREM', base .. set, id) end
    end
end
return left
"""
)

MARKS = (
    _BEGIN
    + """
if not generation then return {} end
local found = {}
for _, name in ipairs(redis.call('ZRANGE', base .. 'm:' .. owner, 0, -1)) do
    if redis.call('EXISTS', window(name)) == 1 then table.insert(found, name) end
end
return found
"""
)
