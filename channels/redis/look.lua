#!lua flags=no-writes
-- How the site stands, and how far each of some channels reaches.
--
-- KEYS  site, then metas
local info = redis.call('INFO', 'server', 'replication')
if string.match(info, 'role:(%w+)') ~= 'master' then
  return redis.error_reply('READONLY This is no primary any more.')
end
local guard = string.match(info, 'run_id:(%w+)') .. ':'
  .. string.match(info, 'master_replid:(%w+)')
local site = redis.call('HMGET', KEYS[1], 'guard', 'epochs', 'batches', 'life', 'count')
local told = {guard, site[1] or '', site[2] or '', site[3] or '0', site[4] or '',
  site[5] or '0', string.match(info, 'uptime_in_seconds:(%d+)')}
for i = 2, #KEYS do
  local meta = redis.call('HMGET', KEYS[i], 'epochs', 'top', 'floor')
  told[#told + 1] = {meta[1] or '', meta[2] or '0', meta[3] or '0'}
end
return told
