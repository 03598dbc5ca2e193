-- KEYS: clients, times, users
-- ARGV: client
forget(KEYS[1], KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
