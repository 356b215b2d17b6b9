// SPDX-License-Identifier: Apache-2.0
// Every word of the page, in both languages: key: [Chinese, English].
const words = {
	skip: ["跳到告警列表", "Skip to the alerts"],
	views: ["页面", "Views"], state: ["运行状态", "State"], filter: ["筛选", "Filter"], map: ["地图", "Map"],
	alerts: ["告警", "Alerts"], totals: ["统计", "Totals"], top: ["排行榜", "Leaderboard"], rider: ["骑手", "Rider"],
	switch_theme: ["切换深浅色", "Switch colours"], keys: ["键盘操作", "Keyboard"],
	severity: ["严重程度", "Severity"], category: ["类别", "Category"], area: ["区划代码", "Area code"], agency: ["处置单位", "Agency"],
	text: ["文字", "Text"], clear: ["清除", "Clear"], pause: ["暂停", "Pause"], resume: ["继续", "Resume"], more: ["更早的告警", "Older alerts"],
	fresh: ["条新告警", "new"], fit: ["全部", "Fit"], zoom_in: ["放大", "Zoom in"], zoom_out: ["缩小", "Zoom out"],
	Extreme: ["特别严重", "Extreme"], Severe: ["严重", "Severe"], Moderate: ["较重", "Moderate"], Minor: ["一般", "Minor"],
	emergency: ["紧急救助", "Emergency"], fire: ["消防隐患", "Fire"], food: ["食品安全", "Food"], other: ["其他", "Other"],
	kafka: ["Kafka", "Kafka"], redis: ["Redis", "Redis"], up: ["正常", "up"], down: ["中断", "down"],
	lag: ["积压", "Lag"], event_age: ["事件时延", "Event age"], dead_letters: ["死信/时", "Dead letters/h"], unknown: ["未知", "unknown"],
	disconnected: ["连接中断，最后更新", "Disconnected, last update"], connecting: ["正在连接", "Connecting"],
	catching_up: ["正在读取历史告警", "Still reading the alerts of the last hours"],
	matches: ["条告警符合条件", "alerts match"], nothing: ["没有符合条件的告警", "No alert matches"],
	close: ["关闭", "Close"], headline: ["标题", "Headline"], place: ["地点", "Place"],
	description: ["描述（已脱敏）", "Description (masked)"], why: ["判定依据", "Why it was classified so"], rule: ["规则", "Rule"], adds: ["加分", "Adds"],
	words: ["文字片段", "Words"], score: ["得分", "Score"], margin: ["领先", "Ahead by"], severity_margin: ["程度领先", "Severity ahead by"],
	unsure: ["把握不大，请核实", "Unsure: please verify"], ruleset: ["规则集", "Rule set"], routes: ["通知单位", "Routed to"], role_primary: ["主办", "primary"],
	role_copy: ["抄送", "copy"], respond: ["响应时限", "Respond"], acknowledge: ["确认", "acknowledge within"], check: ["核查", "check within"],
	times: ["时间", "Times"], sent: ["发布", "sent"], effective: ["发生", "effective"], raw: ["原始事件", "Raw event"], show_raw: ["读取原始上报", "Read the report as it came"],
	raw_hidden: ["原始上报含骑手编号与电话，运营方未开放。", "Raw reports hold rider ids and phone numbers; the operator does not show them."],
	alert_json: ["告警全文", "The whole alert"], kcat: ["kcat 命令", "kcat commands"], copy: ["复制", "Copy"], copied: ["已复制", "Copied"], media: ["照片", "Photos"],
	reporter: ["上报骑手", "Reported by"], show_rider: ["查看骑手", "Show the rider"], same_place: ["同一地点同类告警", "Repeats of this"],
	points_in_view: ["个位置", "places"], no_places: ["列表中的告警没有坐标", "No alert in the list has a position"],
	by_category: ["按类别", "By category"], by_area: ["按区划", "By area"], by_day: ["按日", "By day"], reports: ["上报", "Reports"], deliveries: ["送达", "Deliveries"],
	counter: ["计数", "Counter"], value: ["数值", "Value"], today: ["今日", "Today"], paid: ["计酬上报", "paid reports"], points: ["积分", "points"],
	recent: ["近期告警", "Recent alerts"], rider_id: ["骑手编号", "Rider id"], look_up: ["查询", "Look up"], shard: ["分片", "shard"],
	no_counters: ["没有该骑手的计数", "Nothing was counted for this rider"], rank: ["名次", "Rank"], empty_top: ["本月还没有数据", "Nothing for this month yet"],
	month: ["月份", "Month"], everywhere: ["全部区划", "Everywhere"], source_rollup: ["来自汇总", "from the roll-up"], source_shards: ["各分片之和", "summed over shards"],
	token: ["访问令牌", "Access token"], token_ask: ["此页面需要令牌，请向运营方索取。", "This board wants a token; ask its operator."], enter: ["进入", "Enter"],
	failed: ["读取失败", "Failed"], loading: ["读取中", "Loading"], ago: ["前", "ago"],
	seconds: ["秒", "s"], minutes: ["分", "min"], hours: ["小时", "h"], days: ["天", "d"],
	key_move: ["上下选择告警", "move through the alerts"], key_open: ["打开选中的告警", "open the selected alert"], key_pause: ["暂停或继续", "pause or resume"],
	key_search: ["查找文字", "find text"], key_close: ["关闭", "close"], key_help: ["本说明", "this list"], key_views: ["切换页面", "switch the view"],
};

let column = 0;

export const languages = ["zh", "en"];
export const language = () => languages[column];
export const locale = () => ["zh-CN", "en"][column];
export const word = (key) => words[key]?.[column] ?? key;

export function setLanguage(name) {
	column = Math.max(0, languages.indexOf(name));
	document.documentElement.lang = locale();
}

// Fills what index.html marks with data-word and data-label.
export function translate(root = document) {
	for (const element of root.querySelectorAll("[data-word]"))
		element.textContent = word(element.dataset.word);
	for (const element of root.querySelectorAll("[data-label]"))
		element.setAttribute("aria-label", word(element.dataset.label));
}

// "5 min ago", short.
export function age(ms) {
	const seconds = Math.max(0, Math.round(ms / 1000));
	const [amount, unit] = seconds < 60 ? [seconds, "seconds"] : seconds < 3600 ? [Math.floor(seconds / 60), "minutes"] :
		seconds < 86400 ? [Math.floor(seconds / 3600), "hours"] : [Math.floor(seconds / 86400), "days"];
	return language() === "zh" ? `${amount} ${word(unit)}${word("ago")}` : `${amount} ${word(unit)} ${word("ago")}`;
}

export const clock = (ms) => new Date(ms).toLocaleTimeString(locale(), { hour12: false });
export const moment = (ms) => new Date(ms).toLocaleString(locale(), { hour12: false });
export const number = (value) => Number(value).toLocaleString(locale());
