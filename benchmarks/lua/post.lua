-- wrk's script: posts one request again and again, checks the end of every answer, and prints the sums as JSON.
-- From the environment: BENCH_BODY, BENCH_HEADERS (a file each; headers one "Name: value" a line) and BENCH_MARK,
-- the string that a whole answer contains.

local threads = {}

function setup(thread)
   table.insert(threads, thread)
end

local function read(name)
   local file = assert(io.open(assert(os.getenv(name), name .. " is not set"), "rb"))
   local content = file:read("*a")
   file:close()
   return content
end

function init(args)
   incomplete = 0
   mark = os.getenv("BENCH_MARK")
   wrk.method = "POST"
   wrk.body = read("BENCH_BODY")
   for name, value in read("BENCH_HEADERS"):gmatch("([^:\n]+): ([^\n]*)") do
      wrk.headers[name] = value
   end
   whole = wrk.format()
end

function request()
   return whole
end

function response(status, headers, body)
   if status == 200 and not body:find(mark, 1, true) then
      incomplete = incomplete + 1
   end
end

function done(summary, latency, requests)
   local incomplete = 0
   for _, thread in ipairs(threads) do
      incomplete = incomplete + thread:get("incomplete")
   end
   local e = summary.errors
   print(string.format(
      'SUMS {"requests":%d,"duration_us":%d,"incomplete":%d,"connect":%d,"read":%d,"write":%d,"status":%d,' ..
      '"timeout":%d,"p50_us":%d,"p99_us":%d}',
      summary.requests, summary.duration, incomplete, e.connect, e.read, e.write, e.status, e.timeout,
      latency:percentile(50), latency:percentile(99)))
end
