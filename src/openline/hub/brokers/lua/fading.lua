-- Presence: who is in a channel, until when.
-- clients: client -> length of the user's id, colon, user's id, and more; times: client by the moment (ms) when it fades; users: user -> number of clients.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function user_of(info)
  local length, start = string.match(info, '^(%d+):()')
  return string.sub(info, start, start + tonumber(length) - 1)
end

local function forget(clients, users, client)
  local info = redis.call('HGET', clients, client)
  if info then
    redis.call('HDEL', clients, client)
    local user = user_of(info)
    if redis.call('HINCRBY', users, user, -1) <= 0 then
      redis.call('HDEL', users, user)
    end
  end
end

-- Take out who was not renewed: `most` of them, since a dead node can leave very many.
local function fade(clients, times, users, moment, most)
  local gone = redis.call('ZRANGE', times, '-inf', string.format('(%.0f', moment), 'BYSCORE', 'LIMIT', 0, most)
  for _, client in ipairs(gone) do
    forget(clients, users, client)
    redis.call('ZREM', times, client)
  end
  return #gone
end
