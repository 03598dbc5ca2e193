-- KEYS: numbers in order, entries by number
-- ARGV: number
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
