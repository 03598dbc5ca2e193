-- KEYS: clients, times, users
-- ARGV: 1: all clients, 0: only their number and that of their users
local moment = now()
while fade(KEYS[1], KEYS[2], KEYS[3], moment, 1000) > 0 do
end
if ARGV[1] == '1' then
  return redis.call('HGETALL', KEYS[1])
end
return { redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[3]) }
