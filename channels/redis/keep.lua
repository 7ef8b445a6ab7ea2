#!lua
-- A record, if it is unchanged since the version its writer has seen.
--
-- KEYS  record, index of names
-- ARGV  name, version seen, value
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'version', version + 1, 'value', ARGV[3])
redis.call('ZADD', KEYS[2], 0, ARGV[1])
return 1
