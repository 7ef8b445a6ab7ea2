#!lua
-- The end of a record.
--
-- KEYS  record, index of names
-- ARGV  name
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
