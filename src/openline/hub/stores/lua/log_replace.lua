-- KEYS: number of the newest entry, numbers in order, entries by number
-- ARGV: number of the last entry to go, which the new one gets, data
remove(KEYS[2], KEYS[3], redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1]))
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1])
end
return tonumber(ARGV[1])
