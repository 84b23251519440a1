# SPDX-License-Identifier: MIT
#
# Makes a table, JSON or a plot of what bench/run has measured.
#
#	awk -v form=table|json|svg -v machine=... -v versions=... \
#		-v rounds=... -v quick=0|1 -f report.awk figures values
#
# A value is "key who value round".  Ratios are medians over the rounds, in
# which what is compared ran one after the other; beside a median stand the
# least and the greatest.

FNR == 1 { file++ }

file == 1 && !/^#/ && NF {
	split($0, part, "|")
	key[++keys] = part[1]
	title[part[1]] = part[2]
	unit[part[1]] = part[3]
	target[part[1]] = part[4]
	more[part[1]] = part[3] ~ /\/s$/
	next
}

file == 2 {
	if (!($2 in known)) {
		known[$2] = 1
		if ($2 != "gofer" && $2 != "limit")
			peer[++peers] = $2
	}
	n = ++count[$1, $2]
	value[$1, $2, n] = $3
	in_round[$1, $2, $4] = $3
}

function sort(list, n,    i, j, x)
{
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j - 1] + 0 > list[j] + 0; j--) {
			x = list[j]
			list[j] = list[j - 1]
			list[j - 1] = x
		}
}

function middle(list, n)
{
	sort(list, n)
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# The median of a key's values; least and greatest are left behind.
function median(k, who,    i, list, n)
{
	n = count[k, who]
	if (!n)
		return ""
	for (i = 1; i <= n; i++)
		list[i] = value[k, who, i]
	i = middle(list, n)
	least = list[1]
	greatest = list[n]
	return i
}

# The median of gofer's value divided by another's of the same round.
function ratio(k, who,    r, list, n)
{
	for (r = 1; r <= rounds; r++)
		if ((k, "gofer", r) in in_round && (k, who, r) in in_round &&
		    in_round[k, who, r] > 0)
			list[++n] = in_round[k, "gofer", r] / \
				in_round[k, who, r]
	return n ? middle(list, n) : ""
}

function best_peer(k,    i, m, best, of_best)
{
	for (i = 1; i <= peers; i++) {
		m = median(k, peer[i])
		if (m != "" && (best == "" ||
		    (more[k] ? m > of_best : m < of_best))) {
			best = peer[i]
			of_best = m
		}
	}
	return best
}

# Whether gofer's median meets one target; nothing where it cannot be told.
function judged(k, t,    m, r, part)
{
	if (split(t, part, " ") == 1) {
		m = median(k, "gofer")
		# A difference of two times can come out below nothing.
		if (m <= 0)
			return ""
		return t ": " ((more[k] ? m >= t + 0 : m <= t + 0) ? "met" : \
			"missed")
	}
	r = ratio(k, part[1] == "best" ? best_peer(k) : part[1])
	if (r == "" || r <= 0)
		return ""
	if (more[k])
		r = 1 / r
	return part[1] " x " part[2] ": " (r <= part[2] + 0 ? "met" : "missed")
}

# What the targets say of gofer's median, one after the other.
function verdict(k,    i, n, all, one, list)
{
	if (!measured(k) || quick)
		return ""
	n = split(target[k], list, ", ")
	for (i = 1; i <= n; i++) {
		one = judged(k, list[i])
		if (one != "")
			all = all (all == "" ? "" : ", ") one
	}
	return all
}

function short(v)
{
	if (v == "")
		return "-"
	return sprintf(v < 10 ? "%.2f" : v < 100 ? "%.1f" : "%.0f", v)
}

function times(v)
{
	return v == "" ? "" : sprintf("x %.2f", v)
}

function measured(k)
{
	return count[k, "gofer"] > 0
}

# ---- The table --------------------------------------------------------------

function table(    i, k, m, best, head)
{
	head = "%-47s %10s %17s %9s %7s  %-14s %7s  %s\n"
	printf head, "", "gofer", "least - greatest", "limit", "", \
		"best peer", "", "target"
	for (i = 1; i <= keys; i++) {
		k = key[i]
		if (!measured(k))
			continue
		m = median(k, "gofer")
		best = least
		best = sprintf("%s - %s", short(best), short(greatest))
		printf "%-47s %10s %17s ", title[k] ", " unit[k], short(m), best
		printf "%9s %7s  ", short(median(k, "limit")), \
			times(ratio(k, "limit"))
		best = best_peer(k)
		printf "%-14s %7s  %s\n", \
			best ? best " " short(median(k, best)) : "-", \
			best ? times(ratio(k, best)) : "", verdict(k)
	}
	everybody()
	scaling()
}

function everybody(    i, j, k)
{
	if (!peers)
		return
	printf "\n%-47s %10s %10s", "all medians", "gofer", "limit"
	for (j = 1; j <= peers; j++)
		printf " %10s", peer[j]
	printf "\n"
	for (i = 1; i <= keys; i++) {
		k = key[i]
		if (!measured(k))
			continue
		printf "%-47s %10s %10s", title[k] ", " unit[k], \
			short(median(k, "gofer")), short(median(k, "limit"))
		for (j = 1; j <= peers; j++)
			printf " %10s", short(median(k, peer[j]))
		printf "\n"
	}
}

# What a second worker brings: the time with one by the time with two.
function scaling(    i, k, one)
{
	for (i = 1; i <= keys; i++) {
		k = key[i]
		one = k
		if (unit[k] == "MB" || !sub(/\.2$/, ".1", one) ||
		    !(count[k, "gofer"] && count[one, "gofer"]))
			continue
		if (!scales++)
			printf "\nfrom one worker to two, times as fast\n"
		sub(/\.1$/, "", one)
		printf "%-47s", one
		scale(one, "gofer")
		for (one_peer = 1; one_peer <= peers; one_peer++)
			scale(one, peer[one_peer])
		printf "\n"
	}
}

function scale(k, who)
{
	if (count[k ".1", who] && count[k ".2", who])
		printf "  %s %.2f", who, \
			median(k ".1", who) / median(k ".2", who)
}

# ---- JSON -------------------------------------------------------------------

function quoted(s)
{
	gsub(/["\\]/, "\\\\&", s)
	return "\"" s "\""
}

function json_result(k, who,    i, m)
{
	m = median(k, who)
	printf "        %s: {\"median\": %s, \"min\": %s, \"max\": %s, ", \
		quoted(who), m, least, greatest
	if (who != "gofer" && ratio(k, who) != "")
		printf "\"gofer_ratio\": %.4f, ", ratio(k, who)
	printf "\"values\": ["
	for (i = 1; i <= count[k, who]; i++)
		printf "%s%s", (i > 1 ? ", " : ""), value[k, who, i]
	printf "]}"
}

function json(    i, j, k, some)
{
	printf "{\n  \"machine\": %s,\n", quoted(machine)
	printf "  \"versions\": %s,\n", quoted(versions)
	printf "  \"rounds\": %d,\n  \"figures\": [", rounds
	for (i = 1; i <= keys; i++) {
		k = key[i]
		if (!measured(k))
			continue
		printf "%s\n    {\"key\": %s, \"title\": %s, \"unit\": %s,\n", \
			some++ ? "," : "", quoted(k), quoted(title[k]), \
			quoted(unit[k])
		printf "      \"better\": \"%s\", \"target\": %s, " \
			"\"verdict\": %s,\n      \"results\": {\n", \
			more[k] ? "more" : "less", quoted(target[k]), \
			quoted(verdict(k))
		json_result(k, "gofer")
		if (count[k, "limit"]) {
			printf ",\n"
			json_result(k, "limit")
		}
		for (j = 1; j <= peers; j++)
			if (count[k, peer[j]]) {
				printf ",\n"
				json_result(k, peer[j])
			}
		printf "}}"
	}
	printf "\n  ]\n}\n"
}

# ---- The plot ---------------------------------------------------------------

# Where a ratio stands: 1/4 to 64, and what is beyond at the edge.
function across(r,    x)
{
	x = log(r) / log(2)
	x = x < -2 ? -2 : x > 6 ? 6 : x
	return 330 + (x + 2) * 60
}

function mark(x, y, colour, tip)
{
	printf "<circle cx=\"%.1f\" cy=\"%d\" r=\"4.5\" fill=\"%s\">" \
		"<title>%s</title></circle>\n", x, y, colour, tip
}

function plot_mark(k, who, y, colour,    r)
{
	r = who == "gofer" ? 1 : ratio(k, who)
	if (r == "" || r <= 0)
		return
	r = who == "gofer" ? 1 : more[k] ? r : 1 / r
	mark(across(r), y, colour, who " " short(median(k, who)) " " unit[k])
}

function text(x, y, anchor, what)
{
	gsub(/&/, "\\&amp;", what)
	gsub(/</, "\\&lt;", what)
	printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, \
		y, anchor, what
}

function svg(    i, j, k, y, rows, colour, x)
{
	split("#0072b2 #e69f00 #009e73 #cc79a7 #56b4e9 #d55e00", colour, " ")
	for (i = 1; i <= keys; i++)
		rows += measured(key[i])
	y = 70 + 18 * rows
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"840\" " \
		"height=\"%d\" font-family=\"sans-serif\" " \
		"font-size=\"12\">\n", y
	printf "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
	mark(20, 14, "#000000", "gofer")
	text(28, 18, "start", "gofer")
	mark(80, 14, "#aaaaaa", "limit")
	text(88, 18, "start", "limit")
	for (j = 1; j <= peers; j++) {
		mark(80 + 60 * j, 14, colour[j], peer[j])
		text(88 + 60 * j, 18, "start", peer[j])
	}
	text(830, 18, "end", "gofer is so many times better")
	for (i = -2; i <= 6; i++) {
		x = across(2 ^ i)
		printf "<line x1=\"%d\" x2=\"%d\" y1=\"45\" y2=\"%d\" " \
			"stroke=\"%s\"/>\n", x, x, y - 10, \
			i ? "#dddddd" : "#888888"
		text(x, 40, "middle", i < 0 ? "1/" 2 ^ -i : 2 ^ i)
	}
	y = 50
	for (i = 1; i <= keys; i++) {
		k = key[i]
		if (!measured(k))
			continue
		y += 18
		text(320, y + 4, "end", title[k])
		plot_mark(k, "limit", y, "#aaaaaa")
		for (j = 1; j <= peers; j++)
			plot_mark(k, peer[j], y, colour[j])
		plot_mark(k, "gofer", y, "#000000")
	}
	printf "</svg>\n"
}

END {
	for (i = 1; i <= keys; i++)
		some += measured(key[i])
	if (!some) {
		print "report: nothing has been measured" >"/dev/stderr"
		exit 1
	}
	if (form == "json")
		json()
	else if (form == "svg")
		svg()
	else
		table()
}
