-- The flood of bench_flood.py: FLOOD names a file of JSON: token, keys (revoked ones; none: made up), wait.
local file = io.open(os.getenv("FLOOD")):read("*a")
local token = file:match('"token": "([^"]+)"')
local wait = tonumber(file:match('"wait": (%d+)'))
local keys = {}
for key in file:match('"keys": %[(.-)%]'):gmatch('"([^"]+)"') do keys[#keys + 1] = key end
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token}
local count, wrong = 0, 0
local run = os.time()

request = function()
  count = count + 1
  local key = #keys > 0 and keys[count % #keys + 1] or string.format("ent_guessed-%d-%d", run, count)
  local body = string.format('{"key": "%s", "amount": 10, "request_id": "flood-%d-%d"}', key, run, count)
  return wrk.format("POST", "/v1/holds", headers, body)
end

-- Milliseconds between an answer and the next request of a connection: so no more come than are asked for.
delay = function() return wait end

response = function(status) if status ~= 401 then wrong = wrong + 1 end end

done = function(summary) io.write(string.format("asked: %d\n", summary.requests)) end
