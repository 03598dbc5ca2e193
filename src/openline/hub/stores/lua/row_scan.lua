-- KEYS: keys in order, values by key, versions by key
-- ARGV: lowest, highest (as of ZRANGE BYLEX), how many at most
-- Returns key, value, version, key, value, version, ...
local rows = {}
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'BYLEX', 'LIMIT', 0, ARGV[3])) do
  rows[#rows + 1] = key
  rows[#rows + 1] = redis.call('HGET', KEYS[2], key)
  rows[#rows + 1] = tonumber(redis.call('HGET', KEYS[3], key))
end
return rows
