-- The epoch of a channel's stream; one is begun where there is none, or where another process of Redis kept the last.
-- meta: e epoch, o offset of the newest publication, r run_id. run_id '' : this Redis is durable.
local function epoch_of(meta, stream, run_id, new_epoch, meta_ttl)
  local state = redis.call('HMGET', meta, 'e', 'r')
  if not state[1] then
    redis.call('DEL', stream)
    redis.call('HSET', meta, 'e', new_epoch, 'r', run_id, 'o', 0)
    redis.call('PEXPIRE', meta, meta_ttl)
    return new_epoch
  end
  if run_id ~= '' and state[2] ~= run_id then
    -- Publications may be missing at the end of the stream; what is there is true, and stays readable.
    redis.call('HSET', meta, 'e', new_epoch, 'r', run_id)
    return new_epoch
  end
  return state[1]
end
