-- KEYS: values by key, versions by key
-- ARGV: key
-- Returns value and version; nothing: there is no such row.
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value then
  return {}
end
return { value, tonumber(redis.call('HGET', KEYS[2], ARGV[1])) }
