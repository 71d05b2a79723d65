-- SPDX-License-Identifier: Apache-2.0
--
-- Asks aeroplane-authz about a request, for haproxy.cfg beside this file. It leaves what it was told in variables of the transaction:
--
--   txn.authz_allowed   true if the request may pass; anything else, and nothing at all, is no
--   txn.authz_status    the status to refuse with
--   txn.authz_body      the body to refuse with
--   txn.authz_<name>    the identity headers for the upstream, if it may pass

local service = "http://127.0.0.1:8462/forward-auth/haproxy"
local timeout = 500 -- milliseconds; HAProxy's client tries up to four times, so that a request waits for two seconds at most
-- Where the service does not know HAProxy by its address, a token of the role gateway from the environment:
-- local token = os.getenv("AEROPLANE_AUTHZ_TOKEN")

local credentials = { "authorization", "x-api-key", "cookie" }
local identity = { "caller", "key", "user", "role", "access", "project", "projects", "transfer" }

-- HAProxy's client gives each header as a list that begins with 0. Its own headers want lists that begin with 1.
local function lines(header)
	local all = {}
	for i = 0, #header do
		all[i + 1] = header[i]
	end
	return all
end

local function refuse(txn, status, body)
	txn:set_var("txn.authz_allowed", false)
	txn:set_var("txn.authz_status", status)
	txn:set_var("txn.authz_body", body)
end

core.register_action("authz", { "http-req" }, function(txn)
	refuse(txn, 503, '{"error":"Authorization is not available"}') -- until something else is known

	local received = txn.http:req_get_headers()
	local headers = {
		["x-forwarded-method"] = { txn.sf:method() },
		["x-forwarded-uri"] = { txn.sf:pathq() }, -- as it is passed on
	}
	if token then
		headers["aeroplane-gateway-token"] = { token }
	end
	for _, name in ipairs(credentials) do
		if received[name] then
			headers[name] = lines(received[name])
		end
	end

	local answer = core.httpclient():get { url = service, headers = headers, timeout = timeout }
	local kind = answer.headers and answer.headers["content-type"]
	if answer.status ~= 200 then
		if kind and kind[0] == "application/json" then -- the service's own: where it is away, HAProxy's client answers in HTML
			refuse(txn, answer.status, answer.body)
		end
		return
	end
	for _, name in ipairs(identity) do
		local header = answer.headers["aeroplane-" .. name]
		if not header or header[1] then
			return -- it has to be there once
		end
		txn:set_var("txn.authz_" .. name, header[0])
	end
	txn:set_var("txn.authz_allowed", true)
end)
