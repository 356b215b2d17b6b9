#!lua name=riderwatch_v1
-- SPDX-License-Identifier: Apache-2.0
-- What riderwatchd does to Redis: one call applies a chunk of decided events, all or nothing, if and only if it is the next one.
-- Keys and arguments: README.md. All keys of one call carry the same hash tag {p}.

local HOUR = 3600
local DAY_HOURS = 24
local CHINA_HOURS = 8              -- a day ends at midnight in UTC+8
local REPORT_HOURS = 120 * DAY_HOURS -- a report can be reviewed for so long (stream time)
local DAY_KEY_HOURS = 40 * DAY_HOURS
local GRACE = 7 * DAY_HOURS * HOUR -- keys outlive what decides by this much; see expiry()
local EXACT = 2 ^ 53               -- integers beyond are not exact in Lua
local UNPACK = 1000                -- arguments of one command, well below what unpack() takes

local KEY_LOG, KEY_TOTALS, KEY_DAY, KEY_BUCKET, KEYS_FIXED = 1, 2, 3, 4, 4
local ARGS_FIXED = 10

-- What a report in this state adds: its points to one counter, and one to another.
local STATES = {
	pending = { points = 'points_pending' },
	upheld = { points = 'points', count = 'upheld' },
	rejected = { count = 'rejected' },
	duplicate = { count = 'duplicates' },
	fraud = { count = 'frauds' },
}

local function fail(text)
	error({ err = text })
end

local function integer(text)
	local number = tonumber(text)
	if not number or number % 1 ~= 0 or number >= EXACT or number <= -EXACT then
		fail('RWARGS not an integer: ' .. tostring(text))
	end
	return number
end

-- ---- arguments: everything is checked here, before the first write ----

-- count, then field and increment pairs. Returns the list and the index behind it.
local function parse_steps(args, at)
	local steps = { fields = {}, by = {}, count = integer(args[at]) }
	for i = 1, steps.count do
		steps.fields[i], steps.by[i] = args[at + 2 * i - 1], args[at + 2 * i]
		integer(steps.by[i])
	end
	return steps, at + 2 * steps.count + 1
end

local function has_score(steps)
	for i = 1, steps.count do
		if steps.fields[i] == 'score' then
			return true
		end
	end
	return false
end

-- Riders with equal increments form a group: number of riders, their steps, one time a rider (-1: not heard).
local function parse_groups(args, at, key_at)
	local groups, count = {}, integer(args[at])
	at = at + 1
	for g = 1, count do
		local group = { riders = integer(args[at]), key_at = key_at, times = {} }
		group.steps, at = parse_steps(args, at + 1)
		group.scores = has_score(group.steps)
		group.time_at = at - 1
		for i = 1, group.riders do
			group.times[i] = integer(args[group.time_at + i])
		end
		at, key_at = at + group.riders, key_at + group.riders
		groups[g] = group
	end
	return groups, at, key_at
end

local function parse_report(keys, args, at, key_at)
	integer(args[at + 3])
	return {
		rider = keys[key_at], day = keys[key_at + 1], report = keys[key_at + 2],
		category = args[at + 1], stake = integer(args[at + 2]), score = args[at + 3],
		jurisdiction = args[at + 4],
	}, at + 5, key_at + 3
end

local function parse_review(keys, args, at, key_at)
	local decision = args[at + 1]
	if not STATES[decision] or decision == 'pending' then
		fail('RWARGS not a decision: ' .. tostring(decision))
	end
	return { rider = keys[key_at], report = keys[key_at + 1], decision = decision }, at + 2, key_at + 2
end

local PARSE_EFFECT = { report = parse_report, review = parse_review }

local function parse_effects(keys, args, at, key_at)
	local effects, count = {}, integer(args[at])
	at = at + 1
	for i = 1, count do
		local kind = args[at]
		local parse = PARSE_EFFECT[kind] or fail('RWARGS not an effect: ' .. tostring(kind))
		effects[i], at, key_at = parse(keys, args, at, key_at)
		effects[i].kind = kind
	end
	return effects, at, key_at
end

local function parse(keys, args)
	local run = {
		uuid = args[1], from = integer(args[2]), to = integer(args[3]), time = integer(args[4]), hour = integer(args[5]),
		dedup_hours = integer(args[6]), report_max = integer(args[7]), paid_max = integer(args[8]),
		day_max = integer(args[9]), fraud_score = integer(args[10]), journal = args[11],
		log = keys[KEY_LOG], totals = keys[KEY_TOTALS], day_totals = keys[KEY_DAY], bucket = keys[KEY_BUCKET],
		sums = {}, unranked = {}, conflicts = 0, unmatched = 0, pcall = redis.pcall,
	}
	local at, key_at
	run.steps, at = parse_steps(args, ARGS_FIXED + 2)
	run.groups, at, key_at = parse_groups(args, at, KEYS_FIXED + 1)
	run.effects, at, key_at = parse_effects(keys, args, at, key_at)
	if at ~= #args + 1 or key_at ~= #keys + 1 or run.to <= run.from then
		fail('RWARGS number of keys or arguments')
	end
	run.shard = string.match(run.log or '', '^rw:{%d+}:') or fail('RWARGS log key')
	run.month = string.match(run.day_totals, ':(%d%d%d%d%d%d)%d%d$') or fail('RWARGS key of the day')
	run.bucket_prefix = string.match(run.bucket, '^(.*:)%d+$') or fail('RWARGS bucket key')
	return run
end

-- ---- writes: none of these may raise; what cannot be written is passed over and counted ----

local function failed(reply)
	return type(reply) == 'table' and reply.err ~= nil
end

local function write(run, ...)
	local reply = run.pcall(...)
	if failed(reply) then
		run.conflicts = run.conflicts + 1
		return nil
	end
	return reply
end

-- A TTL only collects garbage; what decides is stream time (until_hour, the day in the key). So a key lives a week longer than any
-- decision can need it, also when an old log is read again and its stream time lies far behind the clock.
-- A text, made once a chunk: numbers are dear to pass on.
local function expiry(run, until_hour)
	return string.format('%d', math.max(until_hour * HOUR, run.now) + GRACE)
end

local function rider_name(run, rider)
	return string.sub(rider, #run.shard + #'rider:' + 1)
end

-- The rider's place on the month's leaderboard is to be written anew, by whoever looks next (rw_unranked_v1).
local function unrank(run, rider)
	run.unranked[#run.unranked + 1] = run.month .. ':' .. rider_name(run, rider)
end

local function add_steps(run, key, steps)
	for i = 1, steps.count do
		write(run, 'HINCRBY', key, steps.fields[i], steps.by[i])
	end
end

-- The hot loop: nearly all of a chunk is riders with deliveries.
local function add_group(run, group, keys, args)
	local pcall, fields, by, count = run.pcall, group.steps.fields, group.steps.by, group.steps.count
	for i = 1, group.riders do
		local key, time = keys[group.key_at + i - 1], group.times[i]
		for step = 1, count do
			if type(pcall('HINCRBY', key, fields[step], by[step])) ~= 'number' then
				run.conflicts = run.conflicts + 1
			end
		end
		if time >= 0 then
			local last = pcall('HGET', key, 'last_ms')
			if failed(last) then
				run.conflicts = run.conflicts + 1
			elseif not last or (tonumber(last) or -1) < time then
				pcall('HSET', key, 'last_ms', args[group.time_at + i])
			end
		end
	end
	for i = 1, group.scores and group.riders or 0 do
		unrank(run, keys[group.key_at + i - 1])
	end
end

-- One rider's counter, and the shard's sums of it.
local function bump(run, rider, jurisdiction, field, by)
	if by ~= 0 then
		write(run, 'HINCRBY', rider, field, by)
		if field == 'score' then
			unrank(run, rider)
		end
		run.sums[field] = (run.sums[field] or 0) + by
		if jurisdiction ~= '' then
			local local_field = jurisdiction .. ':' .. field
			run.sums[local_field] = (run.sums[local_field] or 0) + by
		end
	end
end

-- Points a report gets under the rider's caps of the day.
local function grant(run, effect)
	if effect.stake <= 0 then
		return 0
	end
	local day = write(run, 'HMGET', effect.day, 'paid', 'points')
	local paid = day and (tonumber(day[1] or 0) or run.paid_max) or run.paid_max
	if paid >= run.paid_max then
		return 0
	end
	local granted = tonumber(day[2] or 0) or run.day_max
	local points = math.max(0, math.min(effect.stake, run.report_max, run.day_max - granted))
	if points > 0 then
		write(run, 'HSET', effect.day, 'paid', paid + 1, 'points', granted + points)
		if not day[1] then
			write(run, 'EXPIREAT', effect.day, run.day_expiry)
		end
		bump(run, effect.rider, effect.jurisdiction, 'points_pending', points)
	end
	return points
end

-- A report id that is still known (again after the dedup window, or from another source) keeps its state and gets nothing.
local function create_report(run, effect)
	local known = run.pcall('HGET', effect.report, 'until_hour')
	if failed(known) then
		run.conflicts = run.conflicts + 1
	elseif not known or (tonumber(known) or 0) < run.hour then
		write(run, 'HSET', effect.report, 'rider', rider_name(run, effect.rider), 'category', effect.category,
			'points', grant(run, effect), 'score', effect.score, 'scored', '0', 'state', 'pending',
			'jurisdiction', effect.jurisdiction, 'until_hour', run.report_hour)
		write(run, 'EXPIREAT', effect.report, run.report_expiry)
	end
end

local function move_points(run, effect, report, state, sign)
	if state.points then
		bump(run, effect.rider, report.jurisdiction, state.points, sign * report.points)
	end
	if state.count then
		bump(run, effect.rider, report.jurisdiction, state.count, sign)
	end
end

-- Takes back what the old decision added and adds what the new one says: a second review changes, it never adds up.
local function change_report(run, effect, report)
	local old, new = STATES[report.state], STATES[effect.decision]
	if not old then
		run.conflicts = run.conflicts + 1
		return
	end
	local scores = { upheld = report.score, fraud = run.fraud_score }
	local scored = scores[effect.decision] or 0
	move_points(run, effect, report, old, -1)
	move_points(run, effect, report, new, 1)
	bump(run, effect.rider, report.jurisdiction, 'score', scored - report.scored)
	write(run, 'HSET', effect.report, 'state', effect.decision, 'scored', scored)
end

local function review_report(run, effect)
	local found = write(run, 'HMGET', effect.report, 'rider', 'state', 'points', 'score', 'scored', 'jurisdiction', 'until_hour')
	if not found then
		return
	end
	if found[1] ~= rider_name(run, effect.rider) or (tonumber(found[7] or 0) or 0) < run.hour then
		run.unmatched = run.unmatched + 1
	elseif found[2] ~= effect.decision then
		change_report(run, effect, {
			state = found[2], points = tonumber(found[3] or 0) or 0, score = tonumber(found[4] or 0) or 0,
			scored = tonumber(found[5] or 0) or 0, jurisdiction = found[6] or '',
		})
	end
end

local APPLY_EFFECT = { report = create_report, review = review_report }

local function add_totals(run)
	for _, key in ipairs({ run.totals, run.day_totals }) do
		add_steps(run, key, run.steps)
		for field, by in pairs(run.sums) do
			write(run, 'HINCRBY', key, field, by)
		end
	end
	if run.unmatched > 0 then
		write(run, 'HINCRBY', run.totals, 'reviews_unmatched', run.unmatched)
	end
	write(run, 'EXPIREAT', run.day_totals, run.day_expiry)
end

-- The bucket is ours alone: whatever else took its name is replaced, loudly.
local function append_journal(run)
	if run.journal ~= '' and not write(run, 'APPEND', run.bucket, run.journal) then
		run.pcall('DEL', run.bucket)
		run.pcall('APPEND', run.bucket, run.journal)
	end
end

local function drop_buckets(run)
	for _, hour in ipairs(run.expired) do
		write(run, 'UNLINK', run.bucket_prefix .. hour)
	end
end

local function add_unranked(run)
	for i = 1, #run.unranked, UNPACK do
		write(run, 'SADD', run.shard .. 'unranked', unpack(run.unranked, i, math.min(i + UNPACK - 1, #run.unranked)))
	end
end

local function add_counters(run, keys, args)
	append_journal(run)
	drop_buckets(run)
	for _, group in ipairs(run.groups) do
		add_group(run, group, keys, args)
	end
	for _, effect in ipairs(run.effects) do
		APPLY_EFFECT[effect.kind](run, effect)
	end
	add_totals(run)
	add_unranked(run)
end

-- Splits the list of bucket hours into those that a decision can still need, and those that have expired.
local function sort_hours(run, list)
	local kept, has_this = {}, false
	run.expired = {}
	for hour in string.gmatch(list, '%d+') do
		if run.hour - tonumber(hour) > run.dedup_hours then
			run.expired[#run.expired + 1] = hour
		else
			kept[#kept + 1] = hour
			has_this = has_this or tonumber(hour) == run.hour
		end
	end
	if run.journal ~= '' and not has_this then
		kept[#kept + 1] = string.format('%d', run.hour)
	end
	run.hours = table.concat(kept, ',')
end

-- Compare-and-set. Returns the status of a chunk that is not to be applied, or nil.
local function check(run, store, applied)
	if not store or not applied then
		return { 'refused', -1, 0, 0 }
	elseif store ~= run.uuid then
		return { 'foreign', applied, 0, 0 }
	elseif applied >= run.to then
		return { 'done', applied, 0, 0 }
	elseif applied ~= run.from then
		return { 'refused', applied, 0, 0 }
	end
end

-- Replies with status (ok, done, refused, foreign), W, writes passed over, reviews without a report.
local function rw_apply(keys, args)
	local run = parse(keys, args)
	local state = redis.call('HMGET', run.log, 'store', 'applied', 'hours')
	local stop = check(run, state[1], tonumber(state[2]))
	if stop then
		return stop
	end
	run.now = tonumber(redis.call('TIME')[1])
	run.day_end = (math.floor((run.hour + CHINA_HOURS) / DAY_HOURS) + 1) * DAY_HOURS - CHINA_HOURS
	run.day_expiry = expiry(run, run.day_end + DAY_KEY_HOURS)
	run.report_hour, run.report_expiry = string.format('%d', run.hour + REPORT_HOURS), expiry(run, run.hour + REPORT_HOURS)
	sort_hours(run, state[3] or '')
	-- The first write moves W. It may fail, then nothing was done; after it nothing may, or the chunk would count twice.
	redis.call('HSET', run.log, 'applied', args[3], 'time', args[4], 'hours', run.hours)
	if not pcall(add_counters, run, keys, args) then
		run.conflicts = run.conflicts + 1
	end
	return { 'ok', run.to, run.conflicts, run.unmatched }
end

-- ---- load ----

-- A user who may call the function but not what it calls would have every write passed over.
local NEEDED = {
	{ 'HGET', 'field' }, { 'HMGET', 'field' }, { 'HSET', 'field', '1' }, { 'HINCRBY', 'field', '1' }, { 'DEL' }, { 'UNLINK' },
	{ 'EXPIREAT', '1' }, { 'APPEND', '' }, { 'GETRANGE', '0', '1' }, { 'STRLEN' }, { 'SADD', 'member' },
}

local function check_permissions(key)
	for _, command in ipairs(NEEDED) do
		if not redis.acl_check_cmd(command[1], key, unpack(command, 2)) then
			fail('NOPERM this user may not run ' .. command[1] .. ' on ' .. key)
		end
	end
	if not redis.acl_check_cmd('TIME') then
		fail('NOPERM this user may not run TIME')
	end
end

local function read_state(log)
	local state = redis.call('HMGET', log, 'store', 'key', 'start', 'applied', 'time', 'hours')
	return state[1] and state[2] and state[3] and state[4] and state[5] and state
end

local function journal_bytes(shard, topic, hours)
	local bytes = 0
	for hour in string.gmatch(hours, '%d+') do
		bytes = bytes + redis.call('STRLEN', shard .. 'seen:' .. topic .. ':' .. hour)
	end
	return bytes
end

local function reply_state(status, log, topic, state)
	local shard, hours = string.match(log, '^rw:{%d+}:') or fail('RWARGS log key'), state[6] or ''
	return { status, state[1], state[2], tonumber(state[3]), tonumber(state[4]), tonumber(state[5]), hours,
		journal_bytes(shard, topic, hours) }
end

-- Keys: log, feeds (topics counted into this shard). Arguments: mode (read, create, rebuild), create_at, uuid, key, topic.
-- Replies with status (ok, created, missing), uuid, key, start, W, T, hours, journal bytes.
local function rw_load(keys, args)
	local log, feeds = keys[1], keys[2]
	local mode, create_at, uuid, key, topic = args[1], args[2], args[3], args[4], args[5]
	integer(create_at)
	check_permissions(log)
	local state = read_state(log)
	if state and mode ~= 'rebuild' then
		return reply_state('ok', log, topic, state)
	elseif mode == 'read' then
		return { 'missing' }
	end
	-- Counters of this topic that some log already filled must not be filled again.
	local untouched = state and state[3] == state[4]
	if redis.call('HGET', feeds, topic) and not untouched then
		fail('RWNOTEMPTY ' .. feeds .. ' says that ' .. topic .. ' is counted in this shard already')
	end
	redis.call('DEL', log)
	redis.call('HSET', log, 'store', uuid, 'key', key, 'start', create_at, 'applied', create_at, 'time', '-1')
	redis.call('HSET', feeds, topic, uuid)
	return reply_state('created', log, topic, read_state(log))
end

-- Key: log. Replies with status (ok, missing), uuid, start, W.
local function rw_state(keys)
	local state = read_state(keys[1])
	if not state then
		return { 'missing' }
	end
	return { 'ok', state[1], tonumber(state[3]), tonumber(state[4]) }
end

-- ---- leaderboard ----

-- Score of the rider that a member of the set of unranked ones names.
local function score_of(key, member)
	local shard, rider = string.match(key, '^rw:{%d+}:') or fail('RWARGS key'), string.match(member, '^%d+:(.*)$')
	local score = rider and redis.pcall('HGET', shard .. 'rider:' .. rider, 'score')
	return not failed(score) and score or '0'
end

-- Key: unranked. Argument: at most so many. Replies with member ("<yyyymm>:<rider key>") and score of each.
local function rw_unranked(keys, args)
	local reply = {}
	for _, member in ipairs(redis.call('SRANDMEMBER', keys[1], integer(args[1]))) do
		reply[#reply + 1] = member
		reply[#reply + 1] = score_of(keys[1], member)
	end
	return reply
end

-- Key: unranked. Arguments: member and score that was written, of each. One whose score is another one by now stays, or comes
-- back: the next to look writes it again. Replies with the number of members left.
local function rw_ranked(keys, args)
	for i = 1, #args, 2 do
		local right = score_of(keys[1], args[i]) == args[i + 1]
		redis.call(right and 'SREM' or 'SADD', keys[1], args[i])
	end
	return redis.call('SCARD', keys[1])
end

redis.register_function('rw_apply_v1', rw_apply)
redis.register_function('rw_ranked_v1', rw_ranked)
redis.register_function({ function_name = 'rw_unranked_v1', callback = rw_unranked, flags = { 'no-writes' } })
redis.register_function('rw_load_v1', rw_load)
redis.register_function({ function_name = 'rw_state_v1', callback = rw_state, flags = { 'no-writes' } })
