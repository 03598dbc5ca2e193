-- Which nodes have subscribers in a channel, until when.
-- KEYS: nodes, by the moment (ms) when their lease ends
-- ARGV: node, ttl (ms); ttl 0: the node gives its lease back
-- Returns 1 if no other node has one.
local time = redis.call('TIME')
local moment = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', moment))
redis.call('ZREM', KEYS[1], ARGV[1])
local others = redis.call('ZCARD', KEYS[1])
local ttl = tonumber(ARGV[2])
if ttl > 0 then
  redis.call('ZADD', KEYS[1], string.format('%.0f', moment + ttl), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return others == 0 and 1 or 0
