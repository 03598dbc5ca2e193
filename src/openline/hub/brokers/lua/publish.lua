-- Keep a publication and send it, at once.
-- KEYS: meta, stream, [what was published under this idempotency key]
-- ARGV: run_id, channel, publication, size, ttl, meta_ttl, new epoch, [ttl of the idempotency key, token of this call,
--   run_id of the server that may have done it before]
-- (times in milliseconds; size 0: nothing is kept)
-- Returns offset, epoch, 1 if it was published before by another call; nil: it may be lost what was done before.
local once = KEYS[3]
if once then
  local known = redis.call('GET', once)
  if known then
    local token, offset, epoch = string.match(known, '^([^ ]*) ([^ ]*) (.*)$')
    return { tonumber(offset), epoch, token == ARGV[9] and 0 or 1 }
  end
  if ARGV[10] and ARGV[10] ~= '' and ARGV[1] ~= '' and ARGV[10] ~= ARGV[1] then
    return false
  end
end
local offset, epoch = 0, ''
local size = tonumber(ARGV[4])
if size > 0 then
  epoch = epoch_of(KEYS[1], KEYS[2], ARGV[1], ARGV[7], ARGV[6])
  offset = redis.call('HINCRBY', KEYS[1], 'o', 1)
  redis.call('XADD', KEYS[2], 'MAXLEN', '=', size, string.format('%.0f-0', offset), 'd', ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
local position = string.format('%.0f', offset)
if once then
  redis.call('SET', once, ARGV[9] .. ' ' .. position .. ' ' .. epoch, 'PX', ARGV[8])
end
redis.call('SPUBLISH', ARGV[2], 'p' .. position .. ',' .. epoch .. ',' .. ARGV[3])
return { offset, epoch, 0 }
