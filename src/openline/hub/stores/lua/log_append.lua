-- KEYS: number of the newest entry, numbers in order, entries by number
-- ARGV: data, how many to keep (-1: all)
local number = string.format('%.0f', redis.call('INCR', KEYS[1]))
redis.call('ZADD', KEYS[2], number, number)
redis.call('HSET', KEYS[3], number, ARGV[1])
local keep = tonumber(ARGV[2])
if keep >= 0 then
  remove(KEYS[2], KEYS[3], redis.call('ZCARD', KEYS[2]) - keep)
end
return tonumber(number)
