#!lua flags=no-writes
-- A channel's extent and its entries above a number, at one instant.
--
-- KEYS  site, meta, log
-- ARGV  1 the number, 2 '' to be refused while the site is not healed
local info = redis.call('INFO', 'server', 'replication')
if string.match(info, 'role:(%w+)') ~= 'master' then
  return redis.error_reply('READONLY This is no primary any more.')
end
local guard = string.match(info, 'run_id:(%w+)') .. ':'
  .. string.match(info, 'master_replid:(%w+)')
if ARGV[2] == '' and redis.call('HGET', KEYS[1], 'guard') ~= guard then
  return {'healing'}
end
local meta = redis.call('HMGET', KEYS[2], 'epochs', 'top', 'floor')
local found = {}
if meta[2] then
  found = redis.call('XRANGE', KEYS[3], '(' .. ARGV[1], '+')
end
return {'read', meta[1] or '', meta[2] or '0', meta[3] or '0', found}
