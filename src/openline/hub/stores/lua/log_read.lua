-- KEYS: numbers in order, entries by number
-- ARGV: number after which to begin, how many at most (-1: all), reverse (0, 1)
-- Returns number, data, number, data, ...
local call = { 'ZRANGE', KEYS[1], '(' .. ARGV[1], '+inf', 'BYSCORE' }
if ARGV[3] == '1' then
  call = { 'ZRANGE', KEYS[1], '+inf', '(' .. ARGV[1], 'BYSCORE', 'REV' }
end
call[#call + 1] = 'LIMIT'
call[#call + 1] = 0
call[#call + 1] = ARGV[2]
local entries = {}
for _, number in ipairs(redis.call(unpack(call))) do
  entries[#entries + 1] = number
  entries[#entries + 1] = redis.call('HGET', KEYS[2], number)
end
return entries
