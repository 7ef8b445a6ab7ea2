#!lua
-- The end of a claim, by its owner.
--
-- KEYS  claims, their ends
-- ARGV  name, owner
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and cjson.decode(held)[1] == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 1
