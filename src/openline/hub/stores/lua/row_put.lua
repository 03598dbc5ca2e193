-- KEYS: keys in order, values by key, versions by key
-- ARGV: key, value, version that the row must have (-1: any)
-- Returns the new version; nil: the version was another.
local version = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0)
local expected = tonumber(ARGV[3])
if expected >= 0 and expected ~= version then
  return false
end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
