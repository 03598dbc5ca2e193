-- KEYS: numbers in order, entries by number
-- ARGV: number of the last entry to go
return remove(KEYS[1], KEYS[2], redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[1]))
