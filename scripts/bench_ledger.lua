-- What wrk asks of the ledger. BENCH names a file of JSON: token, keys, kind, run.
local file = io.open(os.getenv("BENCH")):read("*a")
local token = file:match('"token": "([^"]+)"')
local kind = file:match('"kind": "([^"]+)"')
local run = file:match('"run": (%d+)')
local keys = {}
for key in file:match('"keys": %[(.-)%]'):gmatch('"([^"]+)"') do keys[#keys + 1] = key end
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token}
local expected = kind == "denial" and 402 or (kind == "batch" and 200 or 201)
local count, held = 0, {}
wrong = 0

local function body(amount, number)
  local key = keys[number % #keys + 1]
  return string.format('{"key": "%s", "amount": %d, "request_id": "%s-%d", "model": "m"}', key, amount, run, number)
end

request = function()
  count = count + 1
  if kind == "pair" and #held > 0 then
    local id = table.remove(held)
    return wrk.format("POST", "/v1/holds/" .. id .. "/capture", headers,
      '{"amount": 5, "usage": {"model": "m", "input_tokens": 10, "output_tokens": 20, "status": 200}}')
  end
  if kind == "charge" then return wrk.format("POST", "/v1/charges", headers, body(10, count)) end
  if kind == "batch" then
    local calls = {}
    for i = 1, 100 do
      count = count + 1
      calls[i] = '{"op": "charge", ' .. body(10, count):sub(2)
    end
    return wrk.format("POST", "/v1/batch", headers, '{"operations": [' .. table.concat(calls, ",") .. "]}")
  end
  return wrk.format("POST", "/v1/holds", headers, body(10, count))
end

response = function(status, _, answer)
  if kind == "pair" then
    if status == 201 then held[#held + 1] = answer:match('"id":"([^"]+)"') end
    if status ~= 201 and status ~= 200 then wrong = wrong + 1 end
  elseif status ~= expected then
    wrong = wrong + 1
  end
end

local threads = {}
setup = function(thread) threads[#threads + 1] = thread end
done = function()
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("wrong") end
  print("wrong: " .. all)
end
