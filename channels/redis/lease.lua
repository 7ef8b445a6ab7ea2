#!lua
-- A claim for a while, by the clock of this server alone.
--
-- KEYS  claims, their ends
-- ARGV  name, owner, milliseconds, value
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]) or '0')
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and ends > now and cjson.decode(held)[1] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode({ARGV[2], ARGV[4]}))
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[3]), ARGV[1])
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], 0, now)) do
  redis.call('HDEL', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
end
return 1
