#!lua flags=no-writes
-- The records whose names begin with a prefix, in order of their bytes.
--
-- KEYS  index of names
-- ARGV  the prefix, what stands before a name in a record's key
-- Every key shares the site's hash tag, so all of them are where the index is.
local first, last = '-', '+'
if ARGV[1] ~= '' then
  -- No byte of UTF-8 is as high as 255.
  first, last = '[' .. ARGV[1], '(' .. ARGV[1] .. '\255'
end
local found = {}
for _, name in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], first, last)) do
  local kept = redis.call('HMGET', ARGV[2] .. name, 'version', 'value')
  if kept[1] then found[#found + 1] = {name, kept[1], kept[2]} end
end
return found
