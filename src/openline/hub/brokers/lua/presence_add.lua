-- KEYS: clients, times, users
-- ARGV: ttl (ms), then client and info, any number of times
local moment = now()
local ttl = tonumber(ARGV[1])
fade(KEYS[1], KEYS[2], KEYS[3], moment, 1000)
for i = 2, #ARGV, 2 do
  local client, info = ARGV[i], ARGV[i + 1]
  if redis.call('HGET', KEYS[1], client) ~= info then
    forget(KEYS[1], KEYS[3], client)
    redis.call('HSET', KEYS[1], client, info)
    redis.call('HINCRBY', KEYS[3], user_of(info), 1)
  end
  redis.call('ZADD', KEYS[2], string.format('%.0f', moment + ttl), client)
end
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[1])
end
return 1
