-- Read a channel's stream and its position, of one moment.
-- KEYS: meta, stream
-- ARGV: run_id, meta_ttl (ms), new epoch, since offset ('' : from the end), since epoch ('' : any), limit (-1: all), reverse (0, 1)
-- Returns offset, epoch, entries; nil for the entries where the epoch is another.
local epoch = epoch_of(KEYS[1], KEYS[2], ARGV[1], ARGV[3], ARGV[2])
local offset = tonumber(redis.call('HGET', KEYS[1], 'o'))
if ARGV[5] ~= '' and ARGV[5] ~= epoch then
  return { offset, epoch, false }
end
local limit = tonumber(ARGV[6])
if limit == 0 then
  return { offset, epoch, {} }
end
local call
if ARGV[7] == '1' then
  local from = '+'
  if ARGV[4] ~= '' then
    local before = tonumber(ARGV[4]) - 1
    if before < 1 then
      return { offset, epoch, {} }
    end
    from = string.format('%.0f-0', before)
  end
  call = { 'XREVRANGE', KEYS[2], from, '-' }
else
  call = { 'XRANGE', KEYS[2], ARGV[4] == '' and '-' or string.format('%.0f-0', tonumber(ARGV[4]) + 1), '+' }
end
if limit > 0 then
  call[5] = 'COUNT'
  call[6] = limit
end
return { offset, epoch, redis.call(unpack(call)) }
