#!lua
-- One batch in one step: guard, expectations, numbers, entries, floors, and the word.
--
-- The line above makes Redis refuse the whole script before it begins where memory is
-- full, replicas are missing or this is no primary; without it the first write that is
-- refused would leave half a batch.
--
-- KEYS  site, then of each channel: meta, log
-- ARGV  1 command to publish with, 2 where to, 3 sender,
--       4 guard to heal ('' in an ordinary append), 5 name of the site's new epoch,
--       6 count of the site's epochs that the healer knows of,
--       then of each channel: name, expected seq ('' any), expected epoch ('' any),
--       name for a new epoch, bound (0 none), count of events, events,
--       count of numbers to remove, numbers
local info = redis.call('INFO', 'server', 'replication')
local guard = string.match(info, 'run_id:(%w+)') .. ':'
  .. string.match(info, 'master_replid:(%w+)')

local site = redis.call('HMGET', KEYS[1], 'guard', 'epochs', 'count', 'life', 'batches')
local epochs, count = site[2] or '', tonumber(site[3] or '0')
local healing = ARGV[4] ~= ''
if healing then
  if site[1] == guard then return {'healed'} end
  if ARGV[4] ~= guard then return {'healing'} end
elseif site[1] ~= guard then
  return {'healing'}
end

-- What is asked of each channel, and how each stands.
local at, asked = 7, {}
for i = 2, #KEYS, 2 do
  local one = {meta = KEYS[i], log = KEYS[i + 1], name = ARGV[at], events = {},
    removed = {}, token = ARGV[at + 3], bound = tonumber(ARGV[at + 4])}
  local seq, epoch, many = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 5])
  at = at + 6
  for n = 1, many do one.events[n] = ARGV[at + n - 1] end
  at = at + many
  many = tonumber(ARGV[at])
  for n = 1, many do one.removed[n] = ARGV[at + n] end
  at = at + many + 1
  local meta = redis.call('HMGET', one.meta, 'top', 'floor', 'guard', 'epochs')
  one.top, one.floor = tonumber(meta[1] or '0'), tonumber(meta[2] or '0')
  one.guard, one.epochs = meta[3], meta[4] or ''
  if not meta[1] and redis.call('EXISTS', one.log) == 1 then
    -- The meta alone is gone: a number that was given is never given again. The stream
    -- itself knows the last one, though its entry may be removed.
    local told = redis.call('XINFO', 'STREAM', one.log)
    for n = 1, #told, 2 do
      if told[n] == 'last-generated-id' then
        one.top = tonumber(string.match(told[n + 1], '%d+'))
      end
    end
  end
  local present = string.match(one.epochs, '(%w+)@%d+,$') or ''
  if (seq ~= '' and tonumber(seq) ~= one.top)
    or (epoch ~= '' and one.top > 0 and epoch ~= present) then
    return {'conflict', one.name, one.top}
  end
  asked[#asked + 1] = one
end

local function remove(one)
  local gone, there = {}, false
  for _, number in ipairs(one.removed) do gone[number .. '-0'] = true end
  local entries = redis.call('XRANGE', one.log, '-', '+')
  for _, entry in ipairs(entries) do there = there or gone[entry[1]] end
  if not there then return end
  -- Not XDEL: it only marks the entry, whose text stays in memory and in every copy of
  -- the node that held it.
  redis.call('DEL', one.log)
  for _, entry in ipairs(entries) do
    if not gone[entry[1]] then
      redis.call('XADD', one.log, entry[1], entry[2][1], entry[2][2])
    end
  end
end

local parts, bodies = {}, {}
for _, one in ipairs(asked) do
  if #one.events > 0 and one.guard ~= guard then
    one.epochs = one.epochs .. one.token .. '@' .. (one.top + 1) .. ','
    redis.call('HSET', one.meta, 'guard', guard, 'epochs', one.epochs)
  end
  for _, event in ipairs(one.events) do
    one.top = one.top + 1
    redis.call('XADD', one.log, string.format('%.0f-0', one.top), 'd', event)
    bodies[#bodies + 1] = event
  end
  if one.bound > 0 and one.top - one.bound > one.floor then
    one.floor = one.top - one.bound
    redis.call('XTRIM', one.log, 'MINID', '=', string.format('%.0f-0', one.floor + 1))
  end
  if #one.removed > 0 then remove(one) end
  redis.call('HSET', one.meta, 'top', string.format('%.0f', one.top),
    'floor', string.format('%.0f', one.floor))
  parts[#parts + 1] = cjson.encode({one.name, one.epochs,
    string.format('%.0f', one.top), string.format('%.0f', one.floor), #one.events,
    table.concat(one.removed, ',')})
end

local batches = redis.call('HINCRBY', KEYS[1], 'batches', 1)
if healing then
  count = math.max(count, tonumber(ARGV[6])) + 1
  epochs = epochs .. ARGV[5] .. '@' .. batches .. ','
  redis.call('HSET', KEYS[1], 'guard', guard, 'epochs', epochs, 'count', count)
end
local head = cjson.encode({count, string.match(epochs, '(%w+)@%d+,$') or '', batches,
  site[4] or '', ARGV[3]})
-- An empty table would be encoded as an object.
head = '[' .. head .. ',[' .. table.concat(parts, ',') .. ']]'
redis.call(ARGV[1], ARGV[2], head .. '\n' .. table.concat(bodies, '\n'))
return {'stored', head}
