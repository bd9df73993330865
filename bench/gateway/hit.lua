-- wrk's side of the cross-check in scripts/bench_gateway: the very request of gateway_load, which
-- is one answer's key for both.
--   wrk -t1 -c16 -d3s -s hit.lua http://127.0.0.1:PORT/v1/chat/completions
wrk.method = "POST"
wrk.headers["authorization"] = "Bearer bench"
wrk.headers["content-type"] = "application/json"
wrk.body = '{"model":"gpt-4o","messages":[{"role":"user","content":"' .. string.rep("p", 1900) .. '"}]}'

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'JSON {"per_second": %.1f, "p50_us": %.1f, "p99_us": %.1f, "errors": %d}\n',
    summary.requests * 1e6 / summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
