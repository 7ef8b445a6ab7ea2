#!lua flags=no-writes
-- The claims that stand now and whose names begin with a prefix.
--
-- KEYS  claims, their ends
-- ARGV  the prefix
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. now, '+inf')) do
  if string.sub(name, 1, #ARGV[1]) == ARGV[1] then
    found[#found + 1] = {name, cjson.decode(redis.call('HGET', KEYS[1], name))[2]}
  end
end
return found
