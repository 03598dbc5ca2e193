-- Take the oldest entries out of a log; return how many.
local function remove(numbers, entries, count)
  for start = 0, count - 1, 1000 do
    local some = redis.call('ZRANGE', numbers, 0, math.min(1000, count - start) - 1)
    redis.call('HDEL', entries, unpack(some))
    redis.call('ZREM', numbers, unpack(some))
  end
  return count
end
